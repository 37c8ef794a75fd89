"""Whole blobs: read, write, remove, and what is said of them."""

import re
import time

from oracles.azure_conditions import (
    check_digests,
    check_write,
    crc64,
    md5,
    metadata_of,
    properties_of,
    violated,
)
from oracles.azure_errors import AzureError, bad_header
from oracles.azure_sas import OVERRIDES
from oracles.content import cut, http_date, utc
from oracles.wire import Response

LARGEST_PUT = 5000 * 1024**2
LARGEST_DIGESTED = 4 * 1024**2
RANGE = re.compile(r"bytes=(\d+)-(\d*)", re.ASCII)


def written(stored, status=201):
    """The headers of an answer to a write."""
    return Response(status, [
        ("ETag", stored.etag), ("Last-Modified", http_date(stored.updated)),
        ("x-ms-request-server-encrypted", "true"),
    ])  # fmt: skip


def described(stored):
    properties = stored.properties
    headers = [
        ("ETag", stored.etag),
        ("Last-Modified", http_date(stored.updated)),
        ("Content-Type", properties.content_type),
        ("Accept-Ranges", "bytes"),
        ("x-ms-creation-time", http_date(stored.created)),
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-lease-status", "unlocked"),
        ("x-ms-lease-state", "available"),
        ("x-ms-server-encrypted", "true"),
        ("x-ms-access-tier", stored.tier),
    ]
    for name, value in (
        ("Content-Encoding", properties.content_encoding),
        ("Content-Language", properties.content_language),
        ("Content-Disposition", properties.content_disposition),
        ("Cache-Control", properties.cache_control),
    ):
        if value is not None:
            headers.append((name, value))
    return headers + [(f"x-ms-meta-{name}", text) for name, text in stored.metadata.items()]


def chosen_range(request, size):
    """First and after last; None for all. There are no suffixes here (AZ-10)."""
    text = request.header("x-ms-range") or request.header("range")
    if text is None:
        return None
    match = RANGE.fullmatch(text)
    if match is None:
        raise bad_header("Range", text)
    first, last = int(match[1]), int(match[2]) if match[2] else size - 1
    if match[2] and last < first:
        raise bad_header("Range", text)
    if first >= size:
        error = AzureError("InvalidRange")
        error.headers.append(("Content-Range", f"bytes */{size}"))
        raise error
    return first, min(last + 1, size)


class Blobs:
    def __init__(self, store):
        self.store = store

    def get(self, request, caller, place):
        caller.require("read")
        stored = self.store.existing(*place)
        if (snapshot := request.parameter("snapshot")) is not None:
            stored = dict(stored.snapshots).get(snapshot)
            if stored is None:
                raise AzureError("BlobNotFound")
        name = violated(request, stored)
        if name in ("none-match", "modified-since"):
            return Response(304, [("ETag", stored.etag), ("x-ms-error-code", "ConditionNotMet")])
        if name is not None:
            raise AzureError("ConditionNotMet")
        if stored.tier == "Archive" and request.method == "GET":
            raise AzureError("BlobArchived")
        response = self.ranged(request, stored)
        for name, header in OVERRIDES.items():
            if name in caller.parts:
                response.set(header, caller.parts[name])
        return response

    def ranged(self, request, stored):
        headers = described(stored)
        chosen = chosen_range(request, stored.size) if request.method == "GET" else None
        whole_md5 = stored.properties.content_md5
        if chosen is None:
            if whole_md5:
                headers.append(("Content-MD5", whole_md5))
            response = Response(200, headers, cut(stored.pieces, 0, stored.size))
            if request.method == "HEAD":
                response.pieces, response.declared_length = [], stored.size
            return response
        start, end = chosen
        headers.append(("Content-Range", f"bytes {start}-{end - 1}/{stored.size}"))
        if whole_md5:
            headers.append(("x-ms-blob-content-md5", whole_md5))
        response = Response(206, headers, cut(stored.pieces, start, end))
        for name, header, digest in (
            ("x-ms-range-get-content-md5", "Content-MD5", md5),
            ("x-ms-range-get-content-crc64", "x-ms-content-crc64", crc64),
        ):
            if request.header(name) == "true":
                if end - start > LARGEST_DIGESTED:
                    raise AzureError("OutOfRangeInput")
                response.headers.append((header, digest(b"".join(response.pieces))))
        return response

    def put(self, request, caller, place):
        """Put Blob."""
        kind = request.header("x-ms-blob-type")
        if kind is None:
            raise AzureError("MissingRequiredHeader", HeaderName="x-ms-blob-type")
        if kind != "BlockBlob":
            raise bad_header("x-ms-blob-type", kind)
        if len(request.body) > LARGEST_PUT:
            raise AzureError("RequestBodyTooLarge")
        answered = check_digests(request)
        properties, metadata = properties_of(request, True), metadata_of(request)
        found = md5(request.body)
        if properties.content_md5 not in (None, found):
            raise AzureError("Md5Mismatch")
        properties.content_md5 = found
        stored = self.store.put(
            place, self.write_check(request, caller), [bytes(request.body)], properties, metadata
        )
        response = written(stored)
        response.headers.append(answered)
        if answered[0] != "Content-MD5":
            response.headers.append(("Content-MD5", found))
        return response

    def write_check(self, request, caller):
        """Who may only create must find nothing."""

        def check(old):
            caller.require("create" if old is None else "write")
            check_write(request, old)
            if old is not None and old.tier == "Archive":
                raise AzureError("BlobArchived")

        return check

    def delete(self, request, caller, place):
        caller.require("delete")
        with self.store.lock:
            stored = self.store.existing(*place)
            check_write(request, stored)
            snapshots = request.header("x-ms-delete-snapshots")
            if snapshots not in (None, "include", "only"):
                raise bad_header("x-ms-delete-snapshots", snapshots)
            if stored.snapshots and snapshots is None:
                raise AzureError("SnapshotsPresent")
            stored.snapshots = []
            if snapshots != "only":
                container = self.store.container(place[0])
                del container.blobs[place[1]]
                container.uncommitted.pop(place[1], None)
        return Response(202, [("x-ms-delete-type-permanent", "true")])

    def set_metadata(self, request, caller, place):
        caller.require("write")
        metadata = metadata_of(request)
        with self.store.lock:
            stored = self.store.existing(*place)
            check_write(request, stored)
            stored.metadata, stored.etag, stored.updated = metadata, self.store.etag(), time.time()
        return written(stored, 200)

    def set_tier(self, request, caller, place):
        caller.require("write")
        tier = request.header("x-ms-access-tier")
        if tier not in ("Hot", "Cool", "Cold", "Archive"):
            raise bad_header("x-ms-access-tier", tier or "")
        self.store.existing(*place).tier = tier
        return Response(200)

    def snapshot(self, request, caller, place):
        caller.require("create")
        with self.store.lock:
            stored = self.store.existing(*place)
            moment = utc(time.time(), f"{time.time_ns() % 10**9 // 100:07d}")
            stored.snapshots.append((moment, stored))
        response = written(stored)
        response.headers.append(("x-ms-snapshot", moment))
        return response
