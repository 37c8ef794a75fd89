"""The bytes of the blob RPC protocol, written from protocol.md alone."""

import struct

PREFACE = b"BLOBRPC\n"
GENERATION = 1

HELLO, REQUEST, RESPONSE, DATA, CREDIT = 1, 2, 3, 4, 5
RESET, STOP, PING, PONG, GOAWAY = 6, 7, 8, 9, 10
END, NO_DATA, OFFSET, TRAILER, CRITICAL = 0x01, 0x02, 0x04, 0x08, 0x80
KNOWN_FLAGS = END | NO_DATA | OFFSET | TRAILER | CRITICAL

TYPE_NAMES = {
    1: "HELLO", 2: "REQUEST", 3: "RESPONSE", 4: "DATA", 5: "CREDIT",
    6: "RESET", 7: "STOP", 8: "PING", 9: "PONG", 10: "GOAWAY",
}

OPERATIONS = {
    "head": 1, "get": 2, "put": 3, "delete": 4, "deleteMany": 5, "list": 6, "copy": 7,
    "presignGet": 8, "presignPut": 9, "presignHead": 18, "presignDelete": 19,
    "createMultipartUpload": 10, "uploadPart": 11,
    "presignUploadParts": 12, "listParts": 13, "completeMultipartUpload": 14,
    "abortMultipartUpload": 15, "capabilities": 16, "info": 17,
}
OPERATION_NAMES = {number: name for name, number in OPERATIONS.items()}
WITH_REQUEST_BODY = {"put", "deleteMany", "uploadPart", "presignUploadParts",
                     "completeMultipartUpload"}

# name: (tag, kind, critical in requests)
FIELDS = {
    "uri": (1, "text", True), "range": (2, "range", True), "ifMatch": (3, "text", True),
    "ifNoneMatch": (4, "text", True), "condition": (5, "condition", True),
    "contentType": (6, "text", False), "userMetadata": (7, "pair", False),
    "computeSHA256": (8, "empty", False), "expectedSHA256": (9, "digest", True),
    "bodyByteCount": (10, "size", False), "delimiter": (11, "text", True),
    "startAfter": (12, "text", True), "pageToken": (13, "text", True),
    "pageEntryCount": (14, "u32", False), "destinationURI": (15, "text", True),
    "validSeconds": (16, "u32", True), "uploadID": (17, "text", True),
    "partNumber": (18, "u32", True), "partOffset": (19, "size", False),
    "message": (64, "text", False), "retryAfter": (65, "u32", False),
    "objectByteCount": (66, "size", False), "byteCount": (70, "size", False),
    "etag": (71, "text", False), "lastModified": (72, "i64", False),
    "version": (73, "text", False), "resolvedRange": (74, "sizes", False),
    "sha256": (75, "digest", False), "existed": (76, "flag", False),
    "url": (77, "text", False), "method": (78, "text", False),
    "httpHeader": (79, "pair", False), "expiresAt": (80, "i64", False),
    "features": (81, "u64", False), "storeLimits": (82, "limits", False),
    "uptimeSeconds": (83, "u64", False), "scheme": (84, "text", False),
    "mount": (85, "text", False), "counter": (86, "counter", False),
    "agentName": (96, "text", False), "instanceID": (97, "text", False),
    "operations": (98, "u16s", False), "readOnly": (99, "empty", False),
}
BY_TAG = {tag: (name, kind) for name, (tag, kind, _) in FIELDS.items()}
REPEATABLE = {"range", "userMetadata", "resolvedRange", "httpHeader", "scheme", "mount", "counter"}
RECORDS = {"entry": 112, "prefix": 113, "part": 114, "outcome": 115, "url": 116, "uri": 117}
RECORD_NAMES = {tag: name for name, tag in RECORDS.items()}

REQUEST_FIELDS = {
    "head": {"uri", "range", "ifMatch", "ifNoneMatch"},
    "get": {"uri", "range", "ifMatch", "ifNoneMatch"},
    "put": {"uri", "condition", "contentType", "userMetadata", "computeSHA256",
            "expectedSHA256", "bodyByteCount"},
    "delete": {"uri"}, "deleteMany": set(),
    "list": {"uri", "delimiter", "startAfter", "pageToken", "pageEntryCount"},
    "copy": {"uri", "destinationURI", "condition", "ifMatch"},
    "presignGet": {"uri", "validSeconds"}, "presignPut": {"uri", "validSeconds"},
    "presignHead": {"uri", "validSeconds"}, "presignDelete": {"uri", "validSeconds"},
    "createMultipartUpload": {"uri", "contentType", "userMetadata"},
    "uploadPart": {"uri", "uploadID", "partNumber", "partOffset", "bodyByteCount"},
    "presignUploadParts": {"uri", "uploadID", "validSeconds"},
    "listParts": {"uri", "uploadID", "partNumber"},
    "completeMultipartUpload": {"uri", "uploadID", "condition"},
    "abortMultipartUpload": {"uri", "uploadID"},
    "capabilities": {"uri"}, "info": set(),
}
NEEDED = {
    "copy": ["uri", "destinationURI"], "presignGet": ["uri", "validSeconds"],
    "presignPut": ["uri", "validSeconds"], "presignHead": ["uri", "validSeconds"],
    "presignDelete": ["uri", "validSeconds"], "uploadPart": ["uri", "uploadID", "partNumber"],
    "presignUploadParts": ["uri", "uploadID", "validSeconds"], "listParts": ["uri", "uploadID"],
    "completeMultipartUpload": ["uri", "uploadID"], "abortMultipartUpload": ["uri", "uploadID"],
    "deleteMany": [], "info": [],
}

CODES = {
    0x0000: "OK", 0x0101: "INVALID_ARGUMENT", 0x0102: "UNSUPPORTED_OPERATION",
    0x0103: "TOO_LARGE", 0x0104: "OFFSET_MISMATCH", 0x0105: "RANGE_NOT_SATISFIABLE",
    0x0106: "INVALID_URI", 0x0107: "UNSUPPORTED_BACKEND", 0x0108: "PRESIGN",
    0x0201: "NOT_FOUND", 0x0202: "ALREADY_EXISTS", 0x0203: "PRECONDITION_FAILED",
    0x0204: "NOT_MODIFIED", 0x0205: "CONFLICT", 0x0206: "CHECKSUM_MISMATCH",
    0x0207: "SESSION_EXPIRED", 0x0208: "MULTIPART", 0x0209: "UPLOAD_NOT_FOUND",
    0x020A: "CONTAINER_NOT_FOUND", 0x020B: "OBJECT_CHANGED", 0x0301: "PERMISSION_DENIED",
    0x0302: "UNAUTHENTICATED_PEER", 0x0303: "READ_ONLY", 0x0401: "QUOTA_EXCEEDED",
    0x0402: "REFUSED", 0x0403: "SHUTTING_DOWN", 0x0404: "OVERLOADED",
    0x0501: "DEADLINE_EXCEEDED", 0x0502: "CANCELLED", 0x0503: "STALLED",
    0x0601: "BACKEND_UNAVAILABLE", 0x0602: "BACKEND_THROTTLED",
    0x0603: "BACKEND_AUTHENTICATION", 0x0604: "DATA_LOSS", 0x0605: "NO_SPACE",
    0x0606: "INPUT_OUTPUT", 0x0701: "INTERNAL", 0x0702: "OTHER", 0x0801: "BAD_FRAME",
    0x0802: "BAD_STREAM", 0x0803: "CREDIT_VIOLATION", 0x0804: "TOO_MANY_GLITCHES",
    0x0805: "HANDSHAKE_TIMEOUT", 0x0806: "UNSUPPORTED_VERSION", 0x0807: "DESCRIPTOR_VIOLATION",
    0x0808: "CONNECTION_LOST", 0x0809: "FRAME_TOO_LARGE", 0x080A: "PEER_STALLED",
}
CODE_NUMBERS = {name: number for number, name in CODES.items()}
LARGEST_SIZE = (1 << 63) - 1


class WireError(Exception):
    """The peer broke the protocol; `code` is the name of the connection error."""

    def __init__(self, code, message):
        super().__init__("%s: %s" % (code, message))
        self.code = code


class Refused(Exception):
    """A request that is well-formed but cannot be served."""

    def __init__(self, code, message):
        super().__init__("%s: %s" % (code, message))
        self.code = code


def frame(kind, stream=0, flags=0, aux=0, payload=b""):
    return struct.pack(">IBBBBII", len(payload), kind, flags, 0, 0, stream, aux) + payload


def header(data, data_limit=256 << 10, header_limit=64 << 10):
    """The checked header: (length, type, flags, stream, aux)."""
    length, kind, flags, descriptors, reserved, stream, aux = struct.unpack(">IBBBBII", data)
    if length > 0xFFFFFF:
        raise WireError("BAD_FRAME", "W-11 top byte of the length")
    if reserved:
        raise WireError("BAD_FRAME", "W-13 reserved byte")
    if descriptors:
        raise WireError("DESCRIPTOR_VIOLATION", "W-16 descriptors")
    if flags & CRITICAL and (flags & ~KNOWN_FLAGS or kind not in TYPE_NAMES):
        raise WireError("BAD_FRAME", "W-15 unknown and critical")
    limit = {HELLO: 4096, REQUEST: header_limit, RESPONSE: header_limit, DATA: data_limit,
             CREDIT: 8, GOAWAY: 8, RESET: 0, STOP: 0, PING: 0, PONG: 0}.get(kind, 64 << 10)
    if length > limit:
        raise WireError("FRAME_TOO_LARGE", "W-12 length %d of type %d" % (length, kind))
    return length, kind, flags, stream, aux


def encode_field(name, value, in_request=False):
    tag, kind, critical = FIELDS[name]
    if kind == "text":
        data = value if isinstance(value, bytes) else value.encode("utf-8")
    elif kind == "u32":
        data = struct.pack(">I", value)
    elif kind in ("u64", "size"):
        data = struct.pack(">Q", value)
    elif kind == "i64":
        data = struct.pack(">q", value)
    elif kind == "empty":
        data = b""
    elif kind == "digest":
        data = bytes(value)
    elif kind == "flag":
        data = bytes([1 if value else 0])
    elif kind == "pair":
        first = value[0].encode("utf-8")
        data = struct.pack(">H", len(first)) + first + value[1].encode("utf-8")
    elif kind == "range":
        data = struct.pack(">BQQ", *value)
    elif kind == "sizes":
        data = struct.pack(">QQ", *value)
    elif kind == "condition":
        data = bytes([value[0]]) + (value[1] if len(value) > 1 else "").encode("utf-8")
    elif kind == "u16s":
        data = b"".join(struct.pack(">H", number) for number in value)
    else:
        raise ValueError(kind)
    if critical and in_request:
        tag |= 0x8000
    return struct.pack(">HH", tag, len(data)) + data


def _text(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise WireError("BAD_FRAME", "W-41 text is not UTF-8")


def _fixed(layout, data):
    if struct.calcsize(layout) != len(data):
        raise WireError("BAD_FRAME", "W-41 length of a value")
    return struct.unpack(layout, data)


def decode_value(kind, data):
    if kind == "text":
        return _text(data)
    if kind == "u32":
        return _fixed(">I", data)[0]
    if kind == "u64":
        return _fixed(">Q", data)[0]
    if kind == "size":
        value = _fixed(">Q", data)[0]
        if value > LARGEST_SIZE:
            raise WireError("BAD_FRAME", "W-41 beyond 2^63 - 1")
        return value
    if kind == "i64":
        return _fixed(">q", data)[0]
    if kind == "empty":
        return bool(_fixed("", data) == ())
    if kind == "digest":
        return _fixed("32s", data)[0]
    if kind == "flag":
        return _fixed("B", data)[0] != 0
    if kind == "pair":
        if len(data) < 2 or len(data) < 2 + struct.unpack(">H", data[:2])[0]:
            raise WireError("BAD_FRAME", "W-41 pair")
        end = 2 + struct.unpack(">H", data[:2])[0]
        return _text(data[2:end]), _text(data[end:])
    if kind == "range":
        return _fixed(">BQQ", data)
    if kind == "sizes":
        start, end = _fixed(">QQ", data)
        if start > end or end > LARGEST_SIZE:
            raise WireError("BAD_FRAME", "W-62 resolved range")
        return start, end
    if kind == "condition":
        if not data:
            raise WireError("BAD_FRAME", "W-41 condition")
        if data[0] != 2 and len(data) > 1:
            raise WireError("BAD_FRAME", "W-41 condition")
        return (data[0], _text(data[1:])) if data[0] == 2 else (data[0],)
    if kind == "u16s":
        if len(data) % 2:
            raise WireError("BAD_FRAME", "W-41 numbers")
        return [number for (number,) in struct.iter_unpack(">H", data)]
    if kind == "limits":
        return _fixed(">QQQII", data)
    if kind == "counter":
        if len(data) < 8:
            raise WireError("BAD_FRAME", "W-41 counter")
        return struct.unpack(">Q", data[:8])[0], _text(data[8:])
    raise ValueError(kind)


def raw_fields(data):
    """Cuts a message into (tag, critical, value)."""
    position, fields = 0, []
    while position < len(data):
        if len(data) - position < 4:
            raise WireError("BAD_FRAME", "W-41 half a field")
        tag, length = struct.unpack_from(">HH", data, position)
        position += 4
        if length > len(data) - position:
            raise WireError("BAD_FRAME", "W-41 a field ends after its frame")
        fields.append((tag & 0x7FFF, bool(tag & 0x8000), data[position:position + length]))
        position += length
    return fields
