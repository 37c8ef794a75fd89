"""Conformance: what every operation does when it is used as protocol.md says."""

import hashlib

from blobrpc_client import BlobError, Client


class Skipped(Exception):
    """The server or its store does not offer what the case needs."""


def equal(found, expected, what=""):
    if found != expected:
        raise AssertionError("%s: expected %r, found %r" % (what, expected, found))


def fails(code, body, *more):
    """Calls `body`, which must fail with one of the codes."""
    try:
        result = body()
    except BlobError as error:
        if error.code not in (code,) + more:
            raise AssertionError("expected %s, found %s" % (code, error))
        return error
    raise AssertionError("expected %s, found %r" % (code, result))


def optional(body):
    try:
        return body()
    except BlobError as error:
        if error.code in ("UNSUPPORTED_OPERATION", "PRESIGN"):
            raise Skipped(str(error))
        raise


def pattern(count):
    return (bytes(range(251)) * (count // 251 + 1))[:count]


def info(path, base):
    """W-40 W-62 W-85"""
    found = Client(path).info()
    assert found.get("agentName") and found.get("scheme"), found


def capabilities(path, base):
    """W-85"""
    assert 2 in Client(path).capabilities(base + "/")["operations"]


def put_and_get(path, base):
    """W-22 W-23 W-24 W-73"""
    client = Client(path)
    for count in (0, 1, 1000, 300_000):
        uri = "%s/%d" % (base, count)
        equal(client.put(uri, pattern(count), bodyByteCount=count)["byteCount"], count, "put")
        response, body = client.get(uri)
        equal((response["byteCount"], response["resolvedRange"]), (count, [(0, count)]), "get")
        equal(body, pattern(count), "bytes")
        equal(client.head(uri)["etag"], response["etag"], "etag")


def put_stream_of_unknown_length(path, base):
    """W-30 W-34 W-73"""
    client, piece = Client(path), pattern(100_000)
    result = client.put(base + "/x", (piece for _ in range(120)))
    equal(result["byteCount"], 12_000_000, "byteCount")
    _, body = client.get(base + "/x")
    equal(hashlib.sha256(body).digest(), hashlib.sha256(piece * 120).digest(), "digest")


def put_conditions(path, base):
    """W-73"""
    client, uri = Client(path), base + "/x"
    fails("PRECONDITION_FAILED", lambda: optional(
        lambda: client.put(uri, b"0", condition=(2, '"no"'))), "NOT_FOUND")
    first = client.put(uri, b"1", condition=(1,))
    fails("ALREADY_EXISTS", lambda: client.put(uri, b"2", condition=(1,)))
    second = optional(lambda: client.put(uri, b"3", condition=(2, first["etag"])))
    fails("PRECONDITION_FAILED", lambda: client.put(uri, b"4", condition=(2, first["etag"])))
    equal(client.get(uri)[1], b"3", "bytes")
    equal(client.head(uri)["etag"], second["etag"], "etag")


def put_checksum(path, base):
    """W-24 W-73"""
    client, uri, digest = Client(path), base + "/x", hashlib.sha256(b"abc").digest()
    result = client.put(uri, b"abc", computeSHA256=True, expectedSHA256=digest)
    equal(result.get("sha256"), digest, "sha256")
    fails("CHECKSUM_MISMATCH", lambda: client.put(uri, b"abd", expectedSHA256=digest))
    equal(client.get(uri)[1], b"abc", "bytes")


def put_wrong_length(path, base):
    """W-24 W-73"""
    client = Client(path)
    fails("INVALID_ARGUMENT", lambda: client.put(base + "/x", b"abc", bodyByteCount=4))
    fails("INVALID_ARGUMENT", lambda: client.put(base + "/x", b"abc", bodyByteCount=2))
    fails("NOT_FOUND", lambda: client.head(base + "/x"))


def metadata(path, base):
    """W-45"""
    client = Client(path)
    client.put(base + "/x", b"1", metadata=[("Owner", "me")], contentType="text/plain")
    found = client.head(base + "/x")
    if "userMetadata" not in found and "contentType" not in found:
        raise Skipped("the store keeps none")
    equal(found.get("userMetadata"), [("owner", "me")], "userMetadata")
    equal(found.get("contentType"), "text/plain", "contentType")


def get_ranges(path, base):
    """W-43 W-71 W-72 W-37"""
    client, uri, data = Client(path), base + "/x", pattern(1000)
    client.put(uri, data)
    for ranges, resolved in [
        ([(0, 10, 20)], [(10, 20)]), ([(0, 990, 2000)], [(990, 1000)]), ([(0, 5, 5)], [(5, 5)]),
        ([(1, 998, 0)], [(998, 1000)]), ([(2, 5, 0)], [(995, 1000)]), ([(2, 5000, 0)], [(0, 1000)]),
        ([(0, 500, 600), (0, 0, 10), (2, 1, 0)], [(500, 600), (0, 10), (999, 1000)]),
    ]:
        response, body = client.get(uri, ranges)
        equal(response["resolvedRange"], resolved, "resolved")
        equal(body, b"".join(data[start:end] for start, end in resolved), "bytes")
    error = fails("RANGE_NOT_SATISFIABLE", lambda: client.get(uri, [(1, 1000, 0)]))
    equal(error.fields.get("objectByteCount"), 1000, "objectByteCount")
    fails("INVALID_ARGUMENT", lambda: client.get(uri, [(0, 20, 10)]))
    client.put(uri, b"")
    equal(client.get(uri, [(1, 0, 0)])[1], b"", "empty blob")


def get_conditions(path, base):
    """W-70"""
    client, uri = Client(path), base + "/x"
    etag = client.put(uri, b"abc")["etag"]
    equal(client.get(uri, ifMatch=etag)[1], b"abc", "bytes")
    equal(client.get(uri, ifNoneMatch='"other"')[1], b"abc", "bytes")
    for operation in (client.head, client.get):
        fails("PRECONDITION_FAILED", lambda: operation(uri, ifMatch='"other"'))
        fails("NOT_MODIFIED", lambda: operation(uri, ifNoneMatch=etag))
        fails("NOT_FOUND", lambda: operation(base + "/missing"))


def delete(path, base):
    """W-74"""
    client, uri = Client(path), base + "/x"
    client.put(uri, b"1")
    assert client.delete(uri).get("existed", True)
    assert not client.delete(uri).get("existed", False)
    fails("NOT_FOUND", lambda: client.head(uri))


def delete_many(path, base):
    """W-75 W-49"""
    client = Client(path)
    for name in "ab":
        client.put("%s/%s" % (base, name), b"1")
    outcomes = client.delete_many([base + "/a", base + "/missing", base + "/b"])
    equal([outcome["status"] for outcome in outcomes], ["OK"] * 3, "outcomes")
    fails("NOT_FOUND", lambda: client.head(base + "/b"))
    equal(client.delete_many([]), [], "none")
    fails("INVALID_ARGUMENT", lambda: client.delete_many([base + "/a"] * 1001))
    fails("INVALID_URI", lambda: client.delete_many(["nonsense"]))
    client.info()


def listing(path, base):
    """W-44 W-76"""
    client, names = Client(path), ["a", "b/1", "b/2", "b0", "c"]
    for name in names:
        client.put("%s/%s" % (base, name), b"123")
    entries, _, _ = client.list(base + "/")
    equal([entry["uri"] for entry in entries], ["%s/%s" % (base, n) for n in names], "all")
    equal({entry["byteCount"] for entry in entries}, {3}, "sizes")
    entries, prefixes, _ = client.list(base + "/", delimiter="/")
    equal([entry["uri"] for entry in entries], ["%s/%s" % (base, n) for n in ("a", "b0", "c")], "")
    equal(prefixes, [base + "/b/"], "prefixes")
    equal(len(client.list(base + "/b")[0]), 3, "bytes, not segments")
    seen, token = [], None
    for _ in range(20):
        entries, _, token = client.list(base + "/", pageEntryCount=2, pageToken=token)
        assert len(entries) <= 2
        seen += [entry["uri"] for entry in entries]
        if token is None:
            break
    equal(seen, ["%s/%s" % (base, n) for n in names], "pages")
    for count in (0, 1001):
        fails("INVALID_ARGUMENT", lambda: client.list(base + "/", pageEntryCount=count))


def copy(path, base):
    """W-77"""
    client = Client(path)
    etag = client.put(base + "/a", b"abc")["etag"]
    equal(client.copy(base + "/a", base + "/b", ifMatch=etag)["byteCount"], 3, "copy")
    equal(client.get(base + "/b")[1], b"abc", "bytes")
    fails("PRECONDITION_FAILED", lambda: client.copy(base + "/a", base + "/c", ifMatch='"no"'))
    fails("ALREADY_EXISTS", lambda: client.copy(base + "/a", base + "/b", condition=(1,)))
    fails("NOT_FOUND", lambda: client.copy(base + "/missing", base + "/c"))


def presign(path, base):
    """W-78"""
    client = Client(path)
    url = optional(lambda: client.presign("presignGet", base + "/missing", 60))
    assert url["url"] and url["method"]
    assert optional(lambda: client.presign("presignPut", base + "/x", 60))["url"]
    for operation in ("presignHead", "presignDelete"):
        try:
            equal(client.presign(operation, base + "/x", 60)["method"],
                  operation.removeprefix("presign").upper(), "method")
        except BlobError as error:
            equal(error.code, "UNSUPPORTED_OPERATION", operation)
    for seconds in (0, 604801):
        fails("PRESIGN", lambda: client.presign("presignGet", base + "/x", seconds))


def multipart(path, base):
    """W-80 W-81 W-82 W-83"""
    client, uri = Client(path), base + "/x"
    upload = optional(lambda: client.create_upload(uri))["uploadID"]
    size = 5 << 20
    client.upload_part(uri, upload, 1, b"wrong")
    parts = [client.upload_part(uri, upload, 1, pattern(size), bodyByteCount=size, partOffset=0),
             client.upload_part(uri, upload, 2, b"end", partOffset=size)]
    equal([part["partNumber"] for part in parts], [1, 2], "numbers")
    listed, following = client.list_parts(uri, upload)
    equal([part["partNumber"] for part in listed], [1, 2], "listed")
    equal([part["partNumber"] for part in client.list_parts(uri, upload, 1)[0]], [2], "after 1")
    equal(following, None, "last page")
    fails("NOT_FOUND", lambda: client.head(uri))
    for number in (0, 10_001):
        fails("INVALID_ARGUMENT", lambda: client.upload_part(uri, upload, number, b"1"))
    equal(client.complete(uri, upload, parts)["byteCount"], size + 3, "complete")
    equal(client.get(uri)[1], pattern(size) + b"end", "bytes")
    fails("UPLOAD_NOT_FOUND", lambda: client.upload_part(uri, upload, 3, b"1"))


def multipart_bad_parts(path, base):
    """W-83"""
    client, uri = Client(path), base + "/x"
    client.put(uri, b"before")
    upload = optional(lambda: client.create_upload(uri))["uploadID"]
    part = client.upload_part(uri, upload, 1, b"1")
    fails("MULTIPART", lambda: client.complete(uri, upload, [part, {"partNumber": 7}]))
    equal(client.get(uri)[1], b"before", "destination")
    client.abort(uri, upload)


def multipart_abort(path, base):
    """W-84"""
    client, uri = Client(path), base + "/x"
    client.put(uri, b"before")
    upload = optional(lambda: client.create_upload(uri))["uploadID"]
    client.upload_part(uri, upload, 1, b"1")
    client.abort(uri, upload)
    client.abort(uri, upload)
    equal(client.get(uri)[1], b"before", "destination")
    fails("UPLOAD_NOT_FOUND", lambda: client.upload_part(uri, upload, 2, b"1"))


def presign_parts(path, base):
    """W-78"""
    client, uri = Client(path), base + "/x"
    upload = optional(lambda: client.create_upload(uri))["uploadID"]
    try:
        urls = optional(lambda: client.presign_parts(uri, upload, [3, 1, 2], 60))
        equal(len(urls), 3, "urls")
    finally:
        client.abort(uri, upload)


def read_only(path, base):
    """W-86"""
    client = Client(path)
    if not client.connection.hello.get("readOnly"):
        raise Skipped("the socket may write")
    fails("READ_ONLY", lambda: client.put(base + "/x", b"1"))
    fails("READ_ONLY", lambda: client.delete(base + "/x"))


CASES = [
    info, capabilities, put_and_get, put_stream_of_unknown_length, put_conditions, put_checksum,
    put_wrong_length, metadata, get_ranges, get_conditions, delete, delete_many, listing, copy,
    presign, multipart, multipart_bad_parts, multipart_abort, presign_parts, read_only,
]
