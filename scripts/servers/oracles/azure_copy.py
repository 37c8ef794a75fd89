"""Copies. The source is read over HTTP like any reader's, so it must be readable."""

import http.client
import ssl
import urllib.parse
import uuid

from oracles.azure_blobs import written
from oracles.azure_blocks import checked_identifier
from oracles.azure_conditions import crc64, md5, metadata_of, violated
from oracles.azure_errors import AzureError, bad_header
from oracles.azure_store import Properties
from oracles.wire import Response

LARGEST_COPY = 256 * 1024**2
LARGEST_PUT = 5000 * 1024**2
SOURCE = "x-ms-source-"
CONDITIONS = {
    "if-match": "If-Match", "if-none-match": "If-None-Match",
    "if-modified-since": "If-Modified-Since", "if-unmodified-since": "If-Unmodified-Since",
}  # fmt: skip
# Properties that can be named, and their fields here.
NAMED = {
    "content-type": "content_type", "content-encoding": "content_encoding",
    "content-language": "content_language", "content-disposition": "content_disposition",
    "cache-control": "cache_control",
}  # fmt: skip


class Copies:
    def __init__(self, blobs, blocks):
        self.blobs = blobs
        self.blocks = blocks
        self.store = blobs.store
        # Set by the program: what of a URL is ours, as the place of a blob.
        self.own_place = lambda _: None
        self.authority = None

    def fetched(self, request, byte_range=None):
        """Reads the source as anybody would, with the conditions that it is to meet."""
        source = urllib.parse.urlsplit(request.header("x-ms-copy-source"))
        is_local = source.hostname in ("127.0.0.1", "localhost")
        if source.scheme not in ("http", "https") or not is_local or source.port is None:
            raise bad_header("x-ms-copy-source")
        headers = {"x-ms-version": request.header("x-ms-version", "2023-11-03")}
        for name, header in CONDITIONS.items():
            if (value := request.header(SOURCE + name)) is not None:
                headers[header] = value
        if (value := request.header("x-ms-copy-source-authorization")) is not None:
            headers["Authorization"] = value
        if byte_range:
            headers["x-ms-range"] = byte_range
        connection = self.connection(source)
        try:
            target = source.path + ("?" + source.query if source.query else "")
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            return answer, answer.read()
        except OSError as error:
            raise AzureError("CannotVerifyCopySource", 500) from error
        finally:
            connection.close()

    def connection(self, source):
        if source.scheme == "http":
            return http.client.HTTPConnection(source.hostname, source.port, timeout=60)
        context = ssl.create_default_context(cafile=self.authority)
        return http.client.HTTPSConnection(
            source.hostname, source.port, timeout=60, context=context
        )

    def source(self, request, byte_range=None):
        answer, body = self.fetched(request, byte_range)
        if answer.status in (304, 412):
            raise AzureError("SourceConditionNotMet", 412)
        if answer.status not in (200, 206):
            raise AzureError("CannotVerifyCopySource", answer.status)
        return answer, body

    def copy(self, request, caller, place):
        """Copy Blob From URL with x-ms-requires-sync, and Copy Blob, which is done at once too."""
        is_synchronous = request.header("x-ms-requires-sync", "").lower() == "true"
        metadata = metadata_of(request)
        own = self.own_place(request.header("x-ms-copy-source"))
        if own is not None and caller.kind == "key" and not is_synchronous:
            # Who has the account's key reads all of the account.
            stored = self.store.find(*own)
            if stored is None:
                raise AzureError("CannotVerifyCopySource", 404)
            if violated(request, stored, SOURCE + "if-") is not None:
                raise AzureError("SourceConditionNotMet")
            pieces, properties = stored.pieces, stored.properties
            metadata = metadata or stored.metadata
        else:
            answer, body = self.source(request)
            if is_synchronous and len(body) > LARGEST_COPY:
                raise AzureError("CannotVerifyCopySource", 409)
            check_source_md5(request, body)
            pieces, properties = [body], source_properties(answer)
            metadata = metadata or source_metadata(answer)
        stored = self.store.put(
            place, self.blobs.write_check(request, caller), pieces, properties, metadata
        )
        response = written(stored, 202)
        response.headers += [("x-ms-copy-id", str(uuid.uuid4())), ("x-ms-copy-status", "success")]
        return response

    def put(self, request, caller, place):
        """Put Blob From URL. The source's properties come along unless they are named; metadata do not."""
        kind = request.header("x-ms-blob-type")
        if kind != "BlockBlob":
            raise bad_header("x-ms-blob-type", kind)
        if len(request.body) > 0:
            raise bad_header("Content-Length", str(len(request.body)))
        metadata = metadata_of(request)
        answer, body = self.source(request)
        if len(body) > LARGEST_PUT:
            raise AzureError("RequestBodyTooLarge")
        check_source_md5(request, body)
        properties = source_properties(answer)
        if request.header("x-ms-copy-source-blob-properties", "true").lower() == "false":
            properties = Properties()
        for name, field in NAMED.items():
            if (value := request.header(f"x-ms-blob-{name}")) is not None:
                setattr(properties, field, value)
        properties.content_md5 = md5(body)
        stored = self.store.put(
            place, self.blobs.write_check(request, caller), [body], properties, metadata
        )
        response = written(stored)
        response.headers.append(("Content-MD5", properties.content_md5))
        return response

    def put_block(self, request, caller, place):
        """Put Block From URL."""
        caller.require("write")
        identifier = checked_identifier(request)
        if len(request.body) > 0:
            raise bad_header("Content-Length", str(len(request.body)))
        _, body = self.source(request, request.header("x-ms-source-range"))
        check_source_md5(request, body)
        self.blocks.keep(place, identifier, body)
        crc = ("x-ms-content-crc64", crc64(body))
        return Response(201, [crc, ("x-ms-request-server-encrypted", "true")])


def check_source_md5(request, body):
    given = request.header("x-ms-source-content-md5")
    if given is not None and given != md5(body):
        raise AzureError("Md5Mismatch")


def source_properties(answer):
    return Properties(
        answer.getheader("Content-Type") or "application/octet-stream",
        answer.getheader("Content-Encoding"), answer.getheader("Content-Language"),
        answer.getheader("Content-Disposition"), answer.getheader("Cache-Control"),
        answer.getheader("Content-MD5"),
    )  # fmt: skip


def source_metadata(answer):
    return {
        name[len("x-ms-meta-") :]: value
        for name, value in answer.getheaders()
        if name.lower().startswith("x-ms-meta-")
    }
