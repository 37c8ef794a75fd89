"""One blocking connection of the blob RPC protocol, standard library only."""

import select
import socket
import struct

import blobrpc_wire as wire
from blobrpc_messages import (
    decode_hello, decode_response, decode_status, encode_hello, encode_request,
)

TIMEOUT_SECONDS = 20


class BlobError(Exception):
    """A call failed; `fields` holds status, retry class, message and so on."""

    def __init__(self, fields):
        super().__init__("%s: %s" % (fields["status"], fields.get("message", "")))
        self.code = fields["status"]
        self.fields = fields


class GoAway(Exception):
    """The server ended the connection, or drains it."""

    def __init__(self, code, last_stream):
        super().__init__("GOAWAY %s, last stream %d" % (code, last_stream))
        self.code = code


class ConnectionLost(Exception):
    """The connection ended without a word."""


class Connection:
    """One connection. `calls` are made one after the other; frames can also be sent by hand."""

    def __init__(self, path, handshake=True, stream_credit=1 << 20, connection_credit=8 << 20):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(TIMEOUT_SECONDS)
        self.socket.connect(path)
        self.buffer = bytearray()
        self.next_stream = 1
        self.own_stream_credit = stream_credit
        self.own_connection_credit = connection_credit
        self.connection_consumed = 0
        self.connection_granted = connection_credit
        self.connection_sent = 0
        self.hello = None
        if handshake:
            self.shake_hands()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def shake_hands(self):
        hello = encode_hello(stream=self.own_stream_credit, connection=self.own_connection_credit,
                             fields=[("agentName", "blobrpc_client.py")])
        self.send(wire.PREFACE + wire.frame(wire.HELLO, payload=hello))
        kind, _, _, _, payload = self.read_frame()
        if kind == wire.GOAWAY:
            raise self.go_away(0, payload)
        if kind != wire.HELLO:
            raise wire.WireError("BAD_FRAME", "W-02 no HELLO")
        self.hello = decode_hello(payload)
        if self.hello["calls"] < 1:
            raise wire.WireError("BAD_FRAME", "W-21 no calls")
        self.connection_limit = self.hello["connectionCredit"]

    # Bytes

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            # What the server said before it closed may still be readable.
            pass

    def send_frame(self, kind, stream=0, flags=0, aux=0, payload=b""):
        self.send(wire.frame(kind, stream, flags, aux, payload))

    def has_input(self):
        return bool(self.buffer) or bool(select.select([self.socket], [], [], 0)[0])

    def _read(self, count):
        while len(self.buffer) < count:
            try:
                data = self.socket.recv(256 << 10)
            except ConnectionResetError:
                data = b""
            if not data:
                raise ConnectionLost()
            self.buffer += data
        result = bytes(self.buffer[:count])
        del self.buffer[:count]
        return result

    def end_and_wait(self):
        """Says that no more comes and waits until the server has closed the connection."""
        self.socket.shutdown(socket.SHUT_WR)
        try:
            while True:
                self.read_frame()
        except ConnectionLost:
            pass

    def read_frame(self):
        """(type, stream, flags, aux, payload) of the next frame."""
        length, kind, flags, stream, aux = wire.header(self._read(16))
        return kind, stream, flags, aux, self._read(length)

    @staticmethod
    def go_away(aux, payload):
        code = struct.unpack(">HHI", payload)[0]
        return GoAway(wire.CODES.get(code, "0x%04X" % code), aux)

    # Calls

    def open(self, operation, fields=(), timeout_ms=0, flags=None):
        stream = self.next_stream
        self.next_stream += 2
        if flags is None:
            flags = 0 if operation in wire.WITH_REQUEST_BODY else wire.END | wire.NO_DATA
        payload = encode_request(operation, list(fields), timeout_ms)
        if len(payload) > self.hello["headerLimit"]:
            raise BlobError({"status": "TOO_LARGE", "message": "W-12 request"})
        self.send_frame(wire.REQUEST, stream, flags, payload=payload)
        return Call(self, stream, operation)

    def call(self, operation, fields=(), body=None, timeout_ms=0):
        """The response's fields and its body; raises BlobError."""
        call = self.open(operation, fields, timeout_ms)
        if operation in wire.WITH_REQUEST_BODY:
            pieces = [body or b""] if isinstance(body, (bytes, type(None))) else body
            call.send_body(pieces)
        return call.finish()

    def grant_connection(self, count):
        self.connection_consumed += count
        limit = self.connection_consumed + self.own_connection_credit
        if limit - self.connection_granted >= self.own_connection_credit // 4:
            self.connection_granted = limit
            self.send_frame(wire.CREDIT, 0, payload=struct.pack(">Q", limit))


class Call:
    """One call and what is known of its stream."""

    def __init__(self, connection, stream, operation):
        self.connection = connection
        self.stream = stream
        self.operation = operation
        self.limit = connection.hello["streamCredit"]
        self.sent = 0
        self.consumed = 0
        self.granted = connection.own_stream_credit
        self.response = None
        self.body = bytearray()
        self.is_over = False
        self.is_stopped = False
        self.was_reset = None
        self.grants = True

    def send_body(self, pieces, end=True):
        for piece in pieces:
            piece = memoryview(piece)
            while len(piece) and not self.is_over and not self.is_stopped:
                connection = self.connection
                room = min(self.limit - self.sent,
                           connection.connection_limit - connection.connection_sent,
                           connection.hello["dataLimit"], len(piece))
                if room <= 0:
                    self.step()
                    continue
                connection.send_frame(wire.DATA, self.stream, payload=bytes(piece[:room]))
                self.sent += room
                connection.connection_sent += room
                piece = piece[room:]
                while connection.has_input() and not self.is_over:
                    self.step()
        if end and not self.is_over and not self.is_stopped:
            self.connection.send_frame(wire.DATA, self.stream, wire.END)

    def step(self):
        """Takes one frame."""
        kind, stream, flags, aux, payload = self.connection.read_frame()
        if kind == wire.GOAWAY:
            error = Connection.go_away(aux, payload)
            if error.code != "SHUTTING_DOWN" or stream > aux:
                raise error
        elif kind == wire.PING:
            self.connection.send_frame(wire.PONG, aux=aux)
        elif kind == wire.CREDIT:
            limit = struct.unpack(">Q", payload)[0]
            if stream == 0:
                self.connection.connection_limit = max(self.connection.connection_limit, limit)
            elif stream == self.stream:
                self.limit = max(self.limit, limit)
        elif kind == wire.DATA and stream != self.stream:
            self.connection.grant_connection(len(payload))
        elif stream != self.stream:
            return
        elif kind == wire.DATA:
            self._take_data(flags, payload)
        elif kind == wire.RESPONSE:
            self._take_response(flags, payload)
        elif kind == wire.STOP:
            self.is_stopped = True
        elif kind == wire.RESET:
            self.was_reset = wire.CODES.get(aux, hex(aux))
            self.is_over = True

    def _take_data(self, flags, payload):
        if self.response is None or self.is_over or flags & wire.END:
            raise wire.WireError("BAD_FRAME", "W-23 DATA out of order")
        self.connection.grant_connection(len(payload))
        self.consumed += len(payload)
        limit = self.consumed + self.connection.own_stream_credit
        if self.grants and limit - self.granted >= self.connection.own_stream_credit // 4:
            self.granted = limit
            self.connection.send_frame(wire.CREDIT, self.stream, payload=struct.pack(">Q", limit))
        if flags & wire.OFFSET:
            if len(payload) < 8:
                raise wire.WireError("BAD_FRAME", "W-37 short")
            payload = payload[8:]
        self.body += payload

    def _take_response(self, flags, payload):
        is_trailer = bool(flags & wire.TRAILER)
        if is_trailer != (self.response is not None) or (is_trailer and not flags & wire.END):
            raise wire.WireError("BAD_FRAME", "W-23 responses out of order")
        self.is_over = bool(flags & wire.END)
        if is_trailer:
            fields = decode_status(payload)
        else:
            self.response = fields = decode_response(payload, self.operation)
        if fields["status"] != "OK":
            self.is_over = True
            raise BlobError(fields)

    def wait_for_response(self):
        while self.response is None and not self.is_over:
            self.step()
        return self.response

    def finish(self):
        while not self.is_over:
            self.step()
        if self.was_reset:
            raise BlobError({"status": self.was_reset, "message": "reset by the server"})
        return self.response, bytes(self.body)
