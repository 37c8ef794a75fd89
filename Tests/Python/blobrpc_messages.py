"""Requests, responses and records of the blob RPC protocol, written from protocol.md alone."""

import struct

from blobrpc_wire import (
    BY_TAG, CODES, FIELDS, NEEDED, OPERATION_NAMES, OPERATIONS, RECORD_NAMES, RECORDS, REPEATABLE,
    REQUEST_FIELDS, Refused, WireError, decode_value, encode_field, raw_fields,
)

SCHEMES = {"file", "s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "blob", "http", "https"}


def encode_request(operation, fields, timeout_ms=0):
    """`fields` is a list of (name, value)."""
    number = OPERATIONS.get(operation, operation)
    body = b"".join(encode_field(name, value, True) for name, value in fields)
    return struct.pack(">HHI", number, 0, timeout_ms) + body


def decode_request(payload):
    """(operation, timeout in ms, {name: value}); raises Refused or WireError as a server would."""
    if len(payload) < 8:
        raise WireError("BAD_FRAME", "W-40 short request")
    number, _, timeout = struct.unpack(">HHI", payload[:8])
    raw = raw_fields(payload[8:]) if number in OPERATION_NAMES else []
    if number not in OPERATION_NAMES:
        raise Refused("UNSUPPORTED_OPERATION", "W-40 operation %d" % number)
    operation = OPERATION_NAMES[number]
    fields, metadata_byte_count = {}, 0
    for tag, critical, data in raw:
        name, kind = BY_TAG.get(tag, (None, None))
        if name not in REQUEST_FIELDS[operation]:
            if critical:
                raise Refused("UNSUPPORTED_OPERATION", "W-47 critical field %d" % tag)
            continue
        if name in fields and name not in REPEATABLE:
            raise Refused("INVALID_ARGUMENT", "W-46 field %s twice" % name)
        if name == "userMetadata":
            metadata_byte_count += max(0, len(data) - 2)
            if metadata_byte_count > 2048:
                raise Refused("INVALID_ARGUMENT", "W-45 too much user metadata")
        try:
            value = decode_value(kind, data)
        except WireError as error:
            raise Refused("INVALID_ARGUMENT", str(error))
        if name in REPEATABLE:
            fields.setdefault(name, []).append(value)
        else:
            fields[name] = value
    _check(operation, fields)
    return operation, timeout, fields


def _check(operation, fields):
    if len(fields.get("range", [])) > 1024:
        raise Refused("INVALID_ARGUMENT", "W-43 too many ranges")
    if any(kind > 2 for kind, _, _ in fields.get("range", [])):
        raise Refused("INVALID_ARGUMENT", "W-43 unknown kind of range")
    names = [name for name, _ in fields.get("userMetadata", [])]
    if len(set(names)) != len(names):
        raise Refused("INVALID_ARGUMENT", "W-46 metadata name twice")
    if fields.get("condition", (0,))[0] > 2:
        raise Refused("INVALID_ARGUMENT", "unknown condition")
    for name in NEEDED.get(operation, ["uri"]):
        if name not in fields:
            raise Refused("INVALID_ARGUMENT", "W-48 %s is missing" % name)
    if not 1 <= fields.get("pageEntryCount", 1) <= 1000:
        raise Refused("INVALID_ARGUMENT", "W-44 size of a page")
    may_be_empty = operation in ("list", "capabilities")
    for name in ("uri", "destinationURI"):
        if name in fields:
            check_uri(fields[name], may_be_empty)


def check_uri(uri, key_may_be_empty=False):
    """As much of the URI rules as protocol.md has: the length, a scheme, a key."""
    if len(uri.encode("utf-8")) > 8192 or "\0" in uri or "://" not in uri:
        raise Refused("INVALID_URI", "W-42")
    scheme, rest = uri.split("://", 1)
    if scheme not in SCHEMES:
        raise Refused("UNSUPPORTED_BACKEND", "W-42 scheme %s" % scheme)
    if scheme in ("s3", "gs", "az", "blob"):
        container, _, key = rest.partition("/")
        if not container or (not key and not key_may_be_empty) or len(key.encode()) > 1024:
            raise Refused("INVALID_URI", "W-42")
    if scheme == "file" and (not rest.startswith("/") or (len(rest) < 2 and not key_may_be_empty)):
        raise Refused("INVALID_URI", "W-42")


RETURNS = {
    "head": ["byteCount", "etag", "lastModified"], "get": ["byteCount", "etag", "lastModified"],
    "put": ["etag", "byteCount"], "copy": ["etag", "byteCount"],
    "completeMultipartUpload": ["etag", "byteCount"], "presignGet": ["url", "method"],
    "presignPut": ["url", "method"], "presignHead": ["url", "method"],
    "presignDelete": ["url", "method"], "createMultipartUpload": ["uri", "uploadID"],
    "uploadPart": ["partNumber"], "capabilities": ["storeLimits"],
}
RETRY = ["never", "not started", "backoff", "after delay", "caller decides"]
ORIGINS = ["client", "protocol", "policy", "server", "backend"]
RESPONSE_NAMES = {name for name, (tag, _, _) in FIELDS.items()
                  if tag >= 64 or name in ("uri", "contentType", "userMetadata", "pageToken",
                                           "uploadID", "partNumber")} - {"readOnly"}


def decode_fields(data):
    """The fields of a response or record."""
    fields = {}
    for tag, critical, value in raw_fields(data):
        name, kind = BY_TAG.get(tag, (None, None))
        if name not in RESPONSE_NAMES:
            if critical:
                raise WireError("BAD_FRAME", "W-47 critical field %d" % tag)
            continue
        value = decode_value(kind, value)
        if name in REPEATABLE:
            fields.setdefault(name, []).append(value)
        else:
            fields[name] = value
    return fields


def decode_status(data):
    """{"status": name, ...} of a response, a trailer or an outcome record."""
    if len(data) < 4:
        raise WireError("BAD_FRAME", "W-62 short response")
    code, retry, origin = struct.unpack(">HBB", data[:4])
    result = decode_fields(data[4:])
    result["status"] = CODES.get(code, "0x%04X" % code)
    if code:
        result["retry"] = RETRY[retry] if retry < len(RETRY) else "never"
        result["origin"] = ORIGINS[origin] if origin < len(ORIGINS) else "server"
    return result


def decode_response(payload, operation):
    result = decode_status(payload)
    if result["status"] == "OK":
        for name in RETURNS.get(operation, []):
            if name not in result:
                raise WireError("BAD_FRAME", "W-62 %s is missing" % name)
    return result


RECORD_NEEDS = {
    "entry": ["uri", "byteCount", "etag", "lastModified"], "prefix": ["uri"], "uri": ["uri"],
    "part": ["partNumber"], "url": ["url", "method"], "outcome": [],
}


def encode_records(kind, records):
    """Each record is a list of (name, value)."""
    parts = []
    for record in records:
        body = b"".join(encode_field(name, value) for name, value in record)
        parts.append(struct.pack(">HH", RECORDS[kind], len(body)) + body)
    return b"".join(parts)


def decode_records(body, kinds):
    """[(kind, fields)] of the records whose kind is one of `kinds`."""
    records = []
    for tag, critical, value in raw_fields(body):
        kind = RECORD_NAMES.get(tag)
        if kind not in kinds:
            if critical:
                raise WireError("BAD_FRAME", "W-47 critical record %d" % tag)
            continue
        fields = decode_status(value) if kind == "outcome" else decode_fields(value)
        for name in RECORD_NEEDS[kind]:
            if name not in fields:
                raise WireError("BAD_FRAME", "W-62 %s is missing" % name)
        records.append((kind, fields))
    return records


def decode_hello(payload):
    if len(payload) < 40:
        raise WireError("BAD_FRAME", "short HELLO")
    lowest, highest, data, head, stream, connection, calls, _, features = struct.unpack(
        ">HHIIIQIIQ", payload[:40])
    hello = {"lowest": lowest, "highest": highest, "dataLimit": data, "headerLimit": head,
             "streamCredit": stream, "connectionCredit": connection, "calls": calls,
             "features": features}
    for tag, critical, value in raw_fields(payload[40:]):
        name, kind = BY_TAG.get(tag, (None, None))
        if name in ("agentName", "instanceID", "operations"):
            hello[name] = decode_value(kind, value)
        elif name == "readOnly":
            hello[name] = True
        elif critical:
            raise WireError("BAD_FRAME", "W-05 critical field %d" % tag)
    if not lowest <= 1 <= highest:
        raise WireError("UNSUPPORTED_VERSION", "W-04")
    if not 16 << 10 <= data <= 4 << 20 or not 16 << 10 <= head <= 4 << 20:
        raise WireError("BAD_FRAME", "W-36 limits")
    return hello


def encode_hello(lowest=1, highest=1, data=256 << 10, head=64 << 10, stream=1 << 20,
                 connection=8 << 20, calls=0, features=0, fields=()):
    return struct.pack(">HHIIIQIIQ", lowest, highest, data, head, stream, connection, calls, 0,
                       features) + b"".join(encode_field(name, value) for name, value in fields)
