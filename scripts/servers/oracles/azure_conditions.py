"""Conditional headers, and what is said of a blob in headers."""

import base64
import hashlib
import re

from azure.storage.extensions.checksums import crc64 as crc64_library

from oracles.azure_errors import AzureError, bad_header
from oracles.azure_store import Properties
from oracles.content import seconds_of

IDENTIFIER = re.compile(r"[^\W\d]\w*")


def tags(text):
    return [tag.strip() for tag in text.split(",")]


def violated(request, stored, prefix="if-"):
    """The condition that does not hold, as its header's name; None where all do."""
    wanted = request.header(prefix + "match")
    if wanted is not None:
        if stored is None or wanted != "*" and stored.etag not in tags(wanted):
            return "match"
    unwanted = request.header(prefix + "none-match")
    if unwanted is not None and stored is not None:
        if unwanted == "*" or stored.etag in tags(unwanted):
            return "none-match"
    limit = seconds_of(request.header(prefix + "unmodified-since"))
    if limit is not None and stored is not None and int(stored.updated) > limit:
        return "unmodified-since"
    limit = seconds_of(request.header(prefix + "modified-since"))
    if limit is not None and stored is not None and int(stored.updated) <= limit:
        return "modified-since"
    return None


def check_write(request, stored):
    """What a request that changes the blob asks of the one that is there."""
    name = violated(request, stored)
    if name == "none-match" and request.header("if-none-match") == "*":
        raise AzureError("BlobAlreadyExists")
    if name is not None:
        raise AzureError("ConditionNotMet")


def crc64(data):
    return base64.b64encode(crc64_library.compute(bytes(data), 0).to_bytes(8, "little")).decode()


def md5(data):
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def check_digests(request):
    """Compares the body with what is said of it; returns the header that answers it."""
    given_md5, given_crc = request.header("content-md5"), request.header("x-ms-content-crc64")
    if given_md5 is not None and given_crc is not None:
        raise bad_header("x-ms-content-crc64", given_crc)
    if given_md5 is not None:
        if not is_digest(given_md5, 16):
            raise AzureError("InvalidMd5")
        if given_md5 != md5(request.body):
            raise AzureError("Md5Mismatch", UserSpecifiedMd5=given_md5)
        return ("Content-MD5", given_md5)
    crc = crc64(request.body)
    if given_crc is not None and given_crc != crc:
        raise AzureError("Crc64Mismatch", UserSpecifiedCrc=given_crc)
    return ("x-ms-content-crc64", crc)


def is_digest(text, length):
    try:
        return len(base64.b64decode(text, validate=True)) == length
    except ValueError:
        return False


def properties_of(request, may_use_plain=False):
    """What is said of the blob. Only Put Blob takes the plain names too (AZ-07)."""

    def value(name):
        plain = request.header(name) if may_use_plain else None
        return request.header(f"x-ms-blob-{name}", plain)

    stored_md5 = request.header("x-ms-blob-content-md5")
    if stored_md5 is not None and not is_digest(stored_md5, 16):
        raise AzureError("InvalidMd5")
    return Properties(
        value("content-type") or "application/octet-stream", value("content-encoding"),
        value("content-language"), request.header("x-ms-blob-content-disposition"),
        value("cache-control"), stored_md5,
    )  # fmt: skip


def metadata_of(request):
    """Names and values, the names as they were written; they must be identifiers of C#."""
    metadata = {}
    for name, value in request.headers:
        if not name.lower().startswith("x-ms-meta-"):
            continue
        name = name[len("x-ms-meta-") :]
        if not IDENTIFIER.fullmatch(name) or not value or not value.isascii():
            raise AzureError("InvalidMetadata")
        if name.lower() in (other.lower() for other in metadata):
            raise AzureError("InvalidMetadata")
        metadata[name] = value
    return metadata
