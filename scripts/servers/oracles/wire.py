"""A small server of HTTP/1.1 that keeps what a client sent byte for byte, for checks of signatures.

One thread for each connection: the handlers are plain code, and big bodies take no detours.
"""

import http.client
import re
import socket
import ssl
import struct
import threading
import urllib.parse
from dataclasses import dataclass, field

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 6 * 1024**3
IDLE_SECONDS = 300
RECEIVE_SIZE = 1 << 20
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Malformed(Exception):
    """The request is not HTTP; the connection ends."""


@dataclass
class Request:
    """One request. `path` and `query` are as they were on the wire."""

    method: str
    target: str
    path: str
    query: str
    headers: list
    body: bytes = b""
    is_chunked: bool = False
    is_encrypted: bool = False
    listener: str = ""

    def header(self, name, default=None):
        """The value; several lines are joined as RFC 9110 has it."""
        values = [value for key, value in self.headers if key.lower() == name]
        return ", ".join(values) if values else default

    def parameters(self):
        """Decoded pairs of the query, in order."""
        return urllib.parse.parse_qsl(self.query, keep_blank_values=True)

    def parameter(self, name, default=None):
        return next((value for key, value in self.parameters() if key == name), default)


@dataclass
class Response:
    """One answer. With `is_chunked` the length is not told in advance."""

    status: int
    headers: list = field(default_factory=list)
    pieces: list = field(default_factory=list)
    is_chunked: bool = False
    # For HEAD, and for 304.
    declared_length: int | None = None

    def length(self):
        return sum(len(piece) for piece in self.pieces)

    def set(self, name, value):
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()]
        self.headers.append((name, value))

    def remove(self, name):
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()]


class Connection:
    """Reads requests from one socket and writes answers to it."""

    def __init__(self, stream, listener):
        self.stream = stream
        self.listener = listener
        self.pending = bytearray()

    def fill(self):
        data = self.stream.recv(RECEIVE_SIZE)
        self.pending += data
        return bool(data)

    def head(self):
        """The lines before a body; None when the client is gone."""
        while (end := self.pending.find(b"\r\n\r\n")) < 0:
            if len(self.pending) > HEAD_LIMIT:
                raise Malformed("head too long")
            if not self.fill():
                return None
        text = bytes(self.pending[:end]).decode("latin-1")
        del self.pending[: end + 4]
        return text.split("\r\n")

    def line(self):
        while (end := self.pending.find(b"\r\n")) < 0:
            if len(self.pending) > HEAD_LIMIT or not self.fill():
                raise Malformed("no end of line")
        text = bytes(self.pending[:end])
        del self.pending[: end + 2]
        return text

    def exactly(self, count):
        body = bytearray(count)
        have = min(count, len(self.pending))
        body[:have] = self.pending[:have]
        del self.pending[:have]
        view = memoryview(body)
        while have < count:
            received = self.stream.recv_into(view[have:], min(count - have, RECEIVE_SIZE))
            if received == 0:
                raise Malformed("body cut")
            have += received
        return body

    def chunks(self):
        body = bytearray()
        while True:
            text = self.line().split(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", text):
                raise Malformed("size of a chunk")
            size = int(text, 16)
            if len(body) + size > BODY_LIMIT:
                raise Malformed("body too long")
            if size == 0:
                while self.line():
                    pass
                return body
            body += self.exactly(size)
            if self.line():
                raise Malformed("chunk without end")

    def request(self):
        lines = self.head()
        if lines is None:
            return None
        words = lines[0].split(" ")
        if len(words) != 3 or words[2] != "HTTP/1.1":
            raise Malformed("request line")
        method, target, _ = words
        if not TOKEN.fullmatch(method) or not target.startswith("/"):
            raise Malformed("request line")
        headers = []
        for text in lines[1:]:
            name, colon, value = text.partition(":")
            if not colon or not TOKEN.fullmatch(name):
                raise Malformed("header")
            headers.append((name, value.strip(" \t")))
        names = [name.lower() for name, _ in headers]
        if any(names.count(name) > 1 for name in ("host", "content-length", "authorization")):
            raise Malformed("header twice")
        path, _, query = target.partition("?")
        request = Request(method, target, path, query, headers)
        request.listener = self.listener.name
        request.is_encrypted = isinstance(self.stream, ssl.SSLSocket)
        self.read_body(request)
        return request

    def read_body(self, request):
        length = request.header("content-length")
        coding = request.header("transfer-encoding")
        if length is not None and (coding is not None or not re.fullmatch("[0-9]{1,15}", length)):
            raise Malformed("length")
        if (request.header("expect") or "").lower() == "100-continue":
            self.stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if coding is not None:
            if coding.lower() != "chunked":
                raise Malformed("transfer coding")
            request.is_chunked = True
            request.body = self.chunks()
        elif length is not None:
            if int(length) > BODY_LIMIT:
                raise Malformed("body too long")
            request.body = self.exactly(int(length))

    def reset(self):
        """The connection ends at once, and what is on its way is lost."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def answer(self, request, response, cut_after=None):
        """Writes an answer, or `cut_after` bytes of its body; False when the client is to go."""
        has_body = request.method != "HEAD" and response.status not in (204, 304)
        length = response.length()
        reason = http.client.responses.get(response.status, "Unknown")
        lines = [f"HTTP/1.1 {response.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        if response.is_chunked:
            lines.append("Transfer-Encoding: chunked")
        elif response.status != 204:
            declared = response.declared_length
            lines.append(f"Content-Length: {length if declared is None else declared}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if not has_body:
            self.stream.sendall(head)
            return True
        pieces = response.pieces
        if cut_after is not None:
            pieces = [memoryview(b"".join(pieces))[:cut_after]]
        if not response.is_chunked and length < 1 << 16 and cut_after is None:
            self.stream.sendall(head + b"".join(pieces))
            return True
        self.stream.sendall(head)
        for piece in pieces:
            if response.is_chunked and len(piece) > 0:
                self.stream.sendall(b"%x\r\n" % len(piece))
                self.stream.sendall(piece)
                self.stream.sendall(b"\r\n")
            elif not response.is_chunked:
                self.stream.sendall(piece)
        if cut_after is not None:
            return False
        if response.is_chunked:
            self.stream.sendall(b"0\r\n\r\n")
        return True


class Listener:
    """Listens on a free port of loopback and hands each request to `exchange`.

    `exchange(request, connection)` answers it and returns whether the connection stays.
    """

    def __init__(self, name, exchange, context=None):
        self.name = name
        self.exchange = exchange
        self.context = context
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.socket.getsockname()[1]
        self.origin = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            stream, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        try:
            stream.settimeout(IDLE_SECONDS)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                stream = self.context.wrap_socket(stream, server_side=True)
            with stream:
                connection = Connection(stream, self)
                while (request := connection.request()) is not None:
                    is_last = (request.header("connection") or "").lower() == "close"
                    if not self.exchange(request, connection) or is_last:
                        break
        except (OSError, Malformed):
            # The client went away, or sent what is not HTTP: either way it gets no answer.
            stream.close()
