"""Requests signed with the key of the account, by the rules that Microsoft documents.

The order of the headers is that of Microsoft's client, which says that it is the service's.
"""

import base64
import hashlib
import hmac
import time
import urllib.parse

from azure.storage.blob._shared.authentication import _storage_header_sort

from oracles.azure_errors import AzureError
from oracles.content import seconds_of

SKEW_SECONDS = 15 * 60
LINES = (
    "content-encoding", "content-language", "content-length", "content-md5", "content-type",
    "date", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
)  # fmt: skip


def failed(detail):
    return AzureError("AuthenticationFailed", AuthenticationErrorDetail=detail)


def signature(key, text):
    return base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()


def check(request, account):
    """Whether the Authorization of the request is right; AzureError where it is not."""
    kind, _, credentials = request.header("authorization").partition(" ")
    name, _, given = credentials.partition(":")
    if kind != "SharedKey" or name != account.name:
        raise failed("Not this account, or not this way to sign.")
    date = request.header("x-ms-date") or request.header("date")
    moment = seconds_of(date) if date else None
    if moment is None:
        raise failed("x-ms-date is missing or malformed.")
    if abs(time.time() - moment) > SKEW_SECONDS:
        raise failed(f"Request date header too old: '{date}'")
    text = string_to_sign(request, account)
    wanted = signature(account.key, text)
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise failed(f"The MAC signature is not the same. Server used following string: {text!r}")


def string_to_sign(request, account):
    values = [request.method]
    for name in LINES:
        value = request.header(name, "")
        if name == "content-length" and value == "0":
            value = ""
        if name == "date" and request.header("x-ms-date") is not None:
            value = ""
        values.append(value)
    head = "\n".join(values) + "\n"
    return head + canonical_headers(request) + canonical_resource(request, account)


def canonical_headers(request):
    values = {}
    for name, value in request.headers:
        name = name.lower()
        if name.startswith("x-ms-"):
            # Several lines of one name are one value.
            values[name] = f"{values[name]},{value}" if name in values else value
    pairs = _storage_header_sort(list(values.items()))
    return "".join(f"{name}:{' '.join(value.split())}\n" for name, value in pairs)


def canonical_resource(request, account):
    """The path as it was sent, where the account stands twice if it is in the path (AZ-02)."""
    if "+" in request.query:
        raise failed("A plus in the query means different things to different readers.")
    values = {}
    for item in filter(None, request.query.split("&")):
        name, _, value = item.partition("=")
        name = urllib.parse.unquote(name).lower()
        values.setdefault(name, []).append(urllib.parse.unquote(value))
    text = f"/{account.name}{request.path}"
    for name in sorted(values):
        text += f"\n{name}:{','.join(sorted(values[name]))}"
    return text
