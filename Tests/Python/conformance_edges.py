"""Conformance: cases that stretch the protocol, and the handshake."""

import struct
import time

import blobrpc_wire as wire
from blobrpc_client import BlobError, Call, Client, Connection
from blobrpc_messages import decode_response, encode_hello, encode_request
from conformance_operations import equal, fails, pattern
from conformance_violations import NONE, ends_with


def wrong_preface(path, base):
    """W-01"""
    with Connection(path, handshake=False) as connection:
        connection.send(b"GET / HTTP/1.1\r\n\r\n")
        ends_with(connection, "BAD_FRAME")


def no_hello(path, base):
    """W-02"""
    with Connection(path, handshake=False) as connection:
        connection.send(wire.PREFACE + wire.frame(wire.PING))
        ends_with(connection, "BAD_FRAME")


def hello_cases(path, base):
    """W-04 W-05 W-36"""
    critical = struct.pack(">HH", 0x8FFF, 0)
    for payload, code in [
        (encode_hello(lowest=2, highest=3), "UNSUPPORTED_VERSION"),
        (encode_hello() + critical, "BAD_FRAME"), (encode_hello(data=1000), "BAD_FRAME"),
        (encode_hello(head=1000), "BAD_FRAME"), (encode_hello()[:39], "BAD_FRAME"),
    ]:
        with Connection(path, handshake=False) as connection:
            connection.send(wire.PREFACE + wire.frame(wire.HELLO, payload=payload))
            ends_with(connection, code)


def slow_handshake(path, base):
    """W-03"""
    start = time.monotonic()
    with Connection(path, handshake=False) as connection:
        connection.send(wire.PREFACE[:4])
        ends_with(connection, "HANDSHAKE_TIMEOUT", None)
    elapsed = time.monotonic() - start
    assert 3 < elapsed < 12, "closed after %.1f s" % elapsed


def unknown_things_pass(path, base):
    """W-14 W-15 W-47 W-06"""
    with Connection(path) as connection:
        connection.send_frame(99, 7, 0x70, 5, b"whatever")
        connection.send_frame(wire.PING, flags=0x40, aux=1)
        stream = connection.next_stream
        connection.next_stream += 2
        payload = encode_request("info", []) + struct.pack(">HH", 0x0FFF, 2) + b"xx"
        connection.send_frame(wire.REQUEST, stream, NONE, payload=payload)
        Call(connection, stream, "info").finish()


def bytes_one_by_one(path, base):
    """W-10 W-52"""
    with Connection(path) as connection:
        payload = encode_request("info", [])
        for byte in wire.frame(wire.REQUEST, 1, NONE, payload=payload):
            connection.send(bytes([byte]))
        call = Call(connection, 1, "info")
        assert call.finish()[0]["agentName"]


def ping_pong(path, base):
    """W-55"""
    with Connection(path) as connection:
        connection.send_frame(wire.PING, aux=0x01020304)
        kind, stream, _, aux, _ = connection.read_frame()
        equal((kind, stream, aux), (wire.PONG, 0, 0x01020304), "PONG")


def answers_that_keep_the_connection(path, base):
    """W-29 W-40 W-41 W-42 W-43 W-45 W-46 W-47 W-48"""
    with Connection(path) as connection:
        uri = ("uri", base + "/x")
        metadata = [("userMetadata", ("n%d" % index, "x" * 100)) for index in range(30)]
        raw = struct.pack(">HHI", 1, 0, 0)
        cases = [
            (encode_request(999, []), NONE, ["UNSUPPORTED_OPERATION"]),
            (encode_request("head", []), NONE, ["INVALID_ARGUMENT"]),
            (encode_request("head", [uri, uri]), NONE, ["INVALID_ARGUMENT"]),
            (encode_request("head", [("uri", "nonsense")]), NONE, ["INVALID_URI"]),
            (encode_request("head", [("uri", "file:///" + "x" * 8190)]), NONE, ["INVALID_URI"]),
            (encode_request("head", [("uri", "ftp://a/b")]), NONE, ["UNSUPPORTED_BACKEND"]),
            (raw + struct.pack(">HH", 0x8001, 1) + b"\xff", NONE, ["INVALID_ARGUMENT"]),
            (raw + struct.pack(">HH", 0x8FFF, 0), NONE, ["UNSUPPORTED_OPERATION"]),
            (encode_request("get", [uri] + [("range", (1, 0, 0))] * 1025), NONE,
             ["INVALID_ARGUMENT"]),
            (encode_request("put", [uri] + metadata), wire.END, ["INVALID_ARGUMENT"]),
            (encode_request("put", [uri]), NONE, ["INVALID_ARGUMENT"]),
            (encode_request("head", [uri]), wire.END, ["INVALID_ARGUMENT"]),
        ]
        for payload, flags, codes in cases:
            stream = connection.next_stream
            connection.next_stream += 2
            connection.send_frame(wire.REQUEST, stream, flags, payload=payload)
            call = Call(connection, stream, "head")
            fails(codes[0], call.finish, *codes[1:])
        connection.call("info")


def put_empty_by_flag(path, base):
    """W-22"""
    client = Client(path)
    client.connection.open("put", [("uri", base + "/x")], flags=wire.END).finish()
    equal(client.head(base + "/x")["byteCount"], 0, "size")


def cut_off_put_leaves_nothing(path, base):
    """W-24"""
    uri = base + "/x"
    with Connection(path) as connection:
        connection.open("put", [("uri", uri)]).send_body([b"half"], end=False)
        connection.end_and_wait()
    fails("NOT_FOUND", lambda: Client(path).head(uri))


def reset_is_confirmed(path, base):
    """W-25 W-21"""
    client, uri = Client(path), base + "/x"
    connection = client.connection
    for _ in range(2 * connection.hello["calls"] if connection.hello["calls"] < 300 else 100):
        call = connection.open("put", [("uri", uri)])
        call.send_body([b"half"], end=False)
        connection.send_frame(wire.RESET, call.stream, aux=0x0502)
        fails("CANCELLED", call.finish)
    fails("NOT_FOUND", lambda: client.head(uri))


def stop_keeps_the_answer(path, base):
    """W-26"""
    client, uri = Client(path), base + "/x"
    client.put(uri, pattern(6 << 20))
    call = client.connection.open("get", [("uri", uri)])
    call.grants = False
    call.wait_for_response()
    client.connection.send_frame(wire.STOP, call.stream, aux=0x0502)
    try:
        _, body = call.finish()
    except BlobError as error:
        raise AssertionError("no trailer of success: %s" % error)
    assert len(body) < 6 << 20, "all bytes came"
    client.info()


def credit_is_obeyed(path, base):
    """W-30 W-31 W-33"""
    client, uri = Client(path), base + "/x"
    client.put(uri, pattern(1 << 20))
    with Connection(path, stream_credit=20_000, connection_credit=50_000) as connection:
        calls = [connection.open("get", [("uri", uri)]) for _ in range(2)]
        received = {call.stream: 0 for call in calls}

        def read_on(limits, is_over):
            kind = stream = None
            while not is_over(kind, stream):
                kind, stream, _, _, payload = connection.read_frame()
                if kind == wire.DATA:
                    received[stream] += len(payload)
                    assert received[stream] <= limits[stream], "W-30 more than the credit"

        # Nothing is granted: both come to the end of their credit, and the answer to a later call
        # comes without another byte of them.
        limits = {call.stream: 20_000 for call in calls}
        read_on(limits, lambda *_: received == limits)
        info = connection.open("info")
        read_on(limits, lambda *frame: frame == (wire.RESPONSE, info.stream))
        # The second flows on although the first is held back, up to the connection's own credit.
        limits[calls[1].stream] = 30_000
        connection.send_frame(wire.CREDIT, calls[1].stream, payload=struct.pack(">Q", 30_000))
        read_on(limits, lambda *_: received == limits)


def small_call_beside_large(path, base):
    """W-35"""
    client, uri = Client(path), base + "/x"
    client.put(uri, pattern(4 << 20))
    connection = client.connection
    held = connection.open("get", [("uri", uri)])
    held.grants = False
    held.wait_for_response()
    start = time.monotonic()
    small = connection.open("head", [("uri", uri)])
    while True:
        kind, stream, _, _, payload = connection.read_frame()
        if kind == wire.RESPONSE and stream == small.stream:
            equal(decode_response(payload, "head")["byteCount"], 4 << 20, "head")
            break
    assert time.monotonic() - start < 5


def too_many_calls(path, base):
    """W-21"""
    with Connection(path) as connection:
        limit = connection.hello["calls"]
        uri = "%s/x" % base
        streams = [connection.open("put", [("uri", "%s%d" % (uri, index))]).stream
                   for index in range(limit + 1)]
        while True:
            kind, stream, _, _, payload = connection.read_frame()
            if kind == wire.RESPONSE:
                equal(decode_response(payload, "put")["status"], "REFUSED", "over the limit")
                equal(stream, streams[-1], "which one")
                break


def time_limit(path, base):
    """W-50"""
    with Connection(path) as connection:
        start = time.monotonic()
        call = connection.open("put", [("uri", base + "/x")], timeout_ms=300)
        fails("DEADLINE_EXCEEDED", call.finish)
        assert time.monotonic() - start < 5


def late_frames_pass(path, base):
    """W-27"""
    with Connection(path) as connection:
        connection.call("info")
        for kind, payload in [(wire.RESET, b""), (wire.STOP, b""), (wire.CREDIT, b"\xff" * 8)]:
            connection.send_frame(kind, 1, aux=0x0502 if not payload else 0, payload=payload)
        connection.call("info")


CASES = [
    wrong_preface, no_hello, hello_cases, slow_handshake, unknown_things_pass, bytes_one_by_one,
    ping_pong, answers_that_keep_the_connection, put_empty_by_flag, cut_off_put_leaves_nothing,
    reset_is_confirmed, stop_keeps_the_answer, credit_is_obeyed, small_call_beside_large,
    too_many_calls, time_limit, late_frames_pass,
]
