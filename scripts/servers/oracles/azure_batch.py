"""Many deletions in one request: each part is a request of its own, with its own authorization."""

import email.parser
import email.policy
import http.client
import uuid

from oracles.azure_errors import AzureError
from oracles.wire import Request, Response

MOST = 256


def parts_of(request):
    """The requests in the body, with their numbers."""
    kind = request.header("content-type") or ""
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head)
    boundary = parsed.get_boundary()
    if parsed.get_content_type() != "multipart/mixed" or not boundary:
        raise AzureError("InvalidInput")
    pieces = (b"\r\n" + bytes(request.body)).split(b"\r\n--" + boundary.encode())
    if len(pieces) < 3 or pieces[0].strip() or not pieces[-1].startswith(b"--"):
        raise AzureError("InvalidInput")
    if len(pieces) - 2 > MOST:
        raise AzureError("InvalidInput")
    return [part_of(piece) for piece in pieces[1:-1]]


def part_of(piece):
    outer, _, inner = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = dict(pairs(outer.decode("latin-1").split("\r\n")))
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("content-type") != "application/http":
        raise AzureError("InvalidInput")
    lines = inner.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[1].startswith("/"):
        raise AzureError("InvalidInput")
    path, _, query = words[1].partition("?")
    return lower.get("content-id"), Request(words[0], words[1], path, query, pairs(lines[1:]))


def pairs(lines):
    found = [line.partition(":") for line in lines if line]
    return [(name.strip(), value.strip()) for name, _, value in found]


def answer_batch(request, handler):
    """`handler(part)` answers one; the answer tells all of them."""
    answers = []
    for number, part in parts_of(request):
        if any(name.lower() == "x-ms-version" for name, _ in part.headers):
            raise AzureError("InvalidInput")
        part.is_encrypted = request.is_encrypted
        answers.append((number, handler(part)))
    boundary = f"batchresponse_{uuid.uuid4()}"
    body = b""
    for number, answer in answers:
        text = f"--{boundary}\r\nContent-Type: application/http\r\n"
        if number is not None:
            text += f"Content-ID: {number}\r\n"
        text += f"\r\nHTTP/1.1 {answer.status} {http.client.responses[answer.status]}\r\n"
        text += "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        text += f"Content-Length: {answer.length()}\r\n\r\n"
        body += text.encode() + b"".join(answer.pieces) + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return Response(202, [("Content-Type", f"multipart/mixed; boundary={boundary}")], [body])
