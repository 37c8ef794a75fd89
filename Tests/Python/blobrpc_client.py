#!/usr/bin/env python3
"""A blocking client of the blob RPC protocol: one connection, standard library only.

    python3 blobrpc_client.py SOCKET info
    python3 blobrpc_client.py SOCKET put file:///tmp/x < data
    python3 blobrpc_client.py SOCKET get file:///tmp/x > data
    python3 blobrpc_client.py SOCKET head|delete|list|capabilities|presignGet URI
"""

import sys

import blobrpc_wire as wire
from blobrpc_connection import BlobError, Call, Connection, ConnectionLost, GoAway
from blobrpc_messages import decode_records, encode_records

__all__ = ["BlobError", "Call", "Client", "Connection", "ConnectionLost", "GoAway"]


class Client:
    """The operations by name."""

    def __init__(self, path):
        self.connection = Connection(path)

    def head(self, uri, **options):
        return self.connection.call("head", _fields(uri=uri, **options))[0]

    def get(self, uri, ranges=(), **options):
        fields = _fields(uri=uri, **options) + [("range", value) for value in ranges]
        return self.connection.call("get", fields)

    def put(self, uri, body, metadata=(), **options):
        fields = _fields(uri=uri, **options) + [("userMetadata", pair) for pair in metadata]
        return self.connection.call("put", fields, body)[0]

    def delete(self, uri):
        return self.connection.call("delete", _fields(uri=uri))[0]

    def delete_many(self, uris):
        body = encode_records("uri", [[("uri", uri)] for uri in uris])
        _, data = self.connection.call("deleteMany", [], body)
        return [fields for _, fields in decode_records(data, {"outcome"})]

    def list(self, uri, **options):
        response, data = self.connection.call("list", _fields(uri=uri, **options))
        records = decode_records(data, {"entry", "prefix"})
        entries = [fields for kind, fields in records if kind == "entry"]
        prefixes = [fields["uri"] for kind, fields in records if kind == "prefix"]
        return entries, prefixes, response.get("pageToken")

    def copy(self, uri, destination, **options):
        return self.connection.call(
            "copy", _fields(uri=uri, destinationURI=destination, **options))[0]

    def presign(self, operation, uri, seconds):
        return self.connection.call(operation, _fields(uri=uri, validSeconds=seconds))[0]

    def create_upload(self, uri, **options):
        return self.connection.call("createMultipartUpload", _fields(uri=uri, **options))[0]

    def upload_part(self, uri, upload, number, body, **options):
        fields = _fields(uri=uri, uploadID=upload, partNumber=number, **options)
        return self.connection.call("uploadPart", fields, body)[0]

    def presign_parts(self, uri, upload, numbers, seconds):
        body = encode_records("part", [[("partNumber", number)] for number in numbers])
        fields = _fields(uri=uri, uploadID=upload, validSeconds=seconds)
        _, data = self.connection.call("presignUploadParts", fields, body)
        return [fields for _, fields in decode_records(data, {"url"})]

    def list_parts(self, uri, upload, after=0):
        fields = _fields(uri=uri, uploadID=upload, partNumber=after)
        response, data = self.connection.call("listParts", fields)
        return [part for _, part in decode_records(data, {"part"})], response.get("partNumber")

    def complete(self, uri, upload, parts, **options):
        names = ("partNumber", "etag", "byteCount")
        body = encode_records(
            "part", [[(name, part[name]) for name in names if name in part] for part in parts])
        return self.connection.call(
            "completeMultipartUpload", _fields(uri=uri, uploadID=upload, **options), body)[0]

    def abort(self, uri, upload):
        self.connection.call("abortMultipartUpload", _fields(uri=uri, uploadID=upload))

    def capabilities(self, uri):
        return self.connection.call("capabilities", _fields(uri=uri))[0]

    def info(self):
        return self.connection.call("info")[0]


def _fields(**values):
    return [(name, value) for name, value in values.items() if value is not None]


def main(arguments):
    if len(arguments) < 2:
        sys.exit(__doc__)
    client, operation, uris = Client(arguments[0]), arguments[1], arguments[2:]
    if operation == "put":
        chunks = iter(lambda: sys.stdin.buffer.read(256 << 10), b"")
        print(client.put(uris[0], chunks))
    elif operation == "get":
        sys.stdout.buffer.write(client.get(uris[0])[1])
    elif operation.startswith("presign"):
        print(client.presign(operation, uris[0], 300))
    elif operation in ("head", "delete", "list", "capabilities", "info"):
        print(getattr(client, operation)(*uris))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (BlobError, GoAway, ConnectionLost, wire.WireError, OSError) as error:
        sys.exit("%s: %s" % (type(error).__name__, error))
