"""Conformance: broken rules, each with the code the server must end the connection with."""

import socket
import struct

import blobrpc_wire as wire
from blobrpc_client import Client, Connection, ConnectionLost
from blobrpc_messages import encode_hello, encode_request

NONE = wire.END | wire.NO_DATA


def ends_with(connection, *codes):
    """Reads until the connection ends; a GOAWAY with one of the codes must come first."""
    found = getattr(connection, "found", None)
    try:
        while True:
            kind, _, _, aux, payload = connection.read_frame()
            if kind == wire.GOAWAY:
                found = Connection.go_away(aux, payload).code
    except ConnectionLost:
        pass
    except socket.timeout:
        raise AssertionError("the connection was not closed; GOAWAY was %s" % found)
    if found not in codes:
        raise AssertionError("expected GOAWAY %s, found %s" % (" or ".join(codes), found))


def violation(rule, code, act):
    """A case that does `act` on a fresh connection and expects GOAWAY with `code`."""
    def case(path, base):
        with Connection(path) as connection:
            connection.base = base
            act(connection)
            ends_with(connection, code)
        # Others are not harmed.
        Client(path).info()
    case.__doc__ = rule
    case.__name__ = "violation_" + act.__name__
    return case


def start_put(connection):
    return connection.open("put", [("uri", connection.base + "/violation")])


def second_hello(connection):
    connection.send_frame(wire.HELLO, payload=encode_hello())


def top_byte(connection):
    connection.send(b"\x01" + wire.frame(wire.PING)[1:])


def reserved_byte(connection):
    connection.send(wire.frame(wire.PING)[:7] + b"\x01" + wire.frame(wire.PING)[8:])


def descriptor_count(connection):
    connection.send(wire.frame(wire.PING)[:6] + b"\x01" + wire.frame(wire.PING)[7:])


def long_request(connection):
    connection.send(struct.pack(">IBBBBII", 0xFFFFFF, wire.REQUEST, NONE, 0, 0, 1, 0))


def long_data(connection):
    connection.send(struct.pack(">IBBBBII", 0xFFFFFF, wire.DATA, 0, 0, 0, 1, 0))


def long_ping(connection):
    connection.send_frame(wire.PING, payload=b"x")


def critical_type(connection):
    connection.send_frame(99, flags=wire.CRITICAL)


def critical_flag(connection):
    connection.send_frame(wire.PING, flags=wire.CRITICAL | 0x40)


def request_on_stream_0(connection):
    connection.send_frame(wire.REQUEST, 0, NONE, payload=encode_request("info", []))


def request_on_even_stream(connection):
    connection.send_frame(wire.REQUEST, 2, NONE, payload=encode_request("info", []))


def request_twice(connection):
    for _ in range(2):
        connection.send_frame(wire.REQUEST, 5, NONE, payload=encode_request("info", []))


def ping_on_stream(connection):
    connection.send_frame(wire.PING, 1)


def response_to_server(connection):
    connection.send_frame(wire.RESPONSE, 1, NONE, payload=b"\0\0\0\0")


def no_data_without_end(connection):
    connection.send_frame(wire.REQUEST, 1, wire.NO_DATA, payload=encode_request("info", []))


def data_for_nothing(connection):
    connection.send_frame(wire.DATA, 7, payload=b"x")


def reset_of_nothing(connection):
    connection.send_frame(wire.RESET, 7, aux=0x0502)


def stop_of_nothing(connection):
    connection.send_frame(wire.STOP, 7, aux=0x0502)


def credit_for_nothing(connection):
    connection.send_frame(wire.CREDIT, 7, payload=bytes(8))


def offset_in_request(connection):
    call = start_put(connection)
    connection.send_frame(wire.DATA, call.stream, wire.OFFSET, payload=bytes(9))


def too_much_data(connection):
    # An operation without a body is answered at once, so nothing takes what follows it.
    connection.send_frame(wire.REQUEST, 1, 0, payload=encode_request("info", []))
    piece = bytes(connection.hello["dataLimit"])
    try:
        for _ in range(2 + connection.hello["streamCredit"] // len(piece)):
            connection.send_frame(wire.DATA, 1, payload=piece)
    except (ConnectionLost, OSError):
        pass


def short_request(connection):
    connection.send_frame(wire.REQUEST, 1, NONE, payload=b"\0\1")


def half_a_field(connection):
    connection.send_frame(wire.REQUEST, 1, NONE, payload=encode_request("head", []) + b"\x80")


def too_many_pings(connection):
    # More than any limit; a PONG on the way is no answer to the flood.
    for _ in range(5):
        connection.send(wire.frame(wire.PING) * 1000)


def too_many_resets(connection):
    payload = encode_request("info", [])
    try:
        for stream in range(1, 2 * 2_100, 2):
            connection.send(wire.frame(wire.REQUEST, stream, NONE, payload=payload)
                            + wire.frame(wire.RESET, stream, aux=0x0502))
            while connection.has_input():
                kind, _, _, aux, body = connection.read_frame()
                if kind == wire.GOAWAY:
                    connection.found = Connection.go_away(aux, body).code
    except (ConnectionLost, OSError):
        pass


CASES = [
    violation("W-02", "BAD_FRAME", second_hello), violation("W-11", "BAD_FRAME", top_byte),
    violation("W-13", "BAD_FRAME", reserved_byte),
    violation("W-16", "DESCRIPTOR_VIOLATION", descriptor_count),
    violation("W-12", "FRAME_TOO_LARGE", long_request),
    violation("W-12", "FRAME_TOO_LARGE", long_data),
    violation("W-12", "FRAME_TOO_LARGE", long_ping),
    violation("W-15", "BAD_FRAME", critical_type), violation("W-15", "BAD_FRAME", critical_flag),
    violation("W-17", "BAD_STREAM", request_on_stream_0),
    violation("W-20", "BAD_STREAM", request_on_even_stream),
    violation("W-20", "BAD_STREAM", request_twice), violation("W-17", "BAD_STREAM", ping_on_stream),
    violation("W-20", "BAD_FRAME", response_to_server),
    violation("W-22", "BAD_FRAME", no_data_without_end),
    violation("W-27", "BAD_STREAM", data_for_nothing),
    violation("W-25", "BAD_STREAM", reset_of_nothing),
    violation("W-26", "BAD_STREAM", stop_of_nothing),
    violation("W-31", "BAD_STREAM", credit_for_nothing),
    violation("W-37", "BAD_FRAME", offset_in_request),
    violation("W-32", "CREDIT_VIOLATION", too_much_data),
    violation("W-40", "BAD_FRAME", short_request), violation("W-41", "BAD_FRAME", half_a_field),
    violation("W-57", "TOO_MANY_GLITCHES", too_many_pings),
    violation("W-57", "TOO_MANY_GLITCHES", too_many_resets),
]
