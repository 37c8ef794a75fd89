"""Starts the oracles as the Swift tests do, and sends requests byte for byte."""

import atexit
import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Failure(Exception):
    def __init__(self, error):
        super().__init__(str(error))
        self.code, self.status = error["code"], error["status"]


class Oracle:
    """One running program; `call` speaks to its standard input."""

    shared = {}

    def __init__(self, kind):
        program = os.path.join(HERE, f"{kind}_oracle.py")
        self.process = subprocess.Popen(
            [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.lock = threading.Lock()
        self.next_number = 1
        self.description = json.loads(self.process.stdout.readline())
        self.description |= self.description.get("google") or self.description.get("azure")

    @classmethod
    def of(cls, kind):
        if kind not in cls.shared:
            cls.shared[kind] = cls(kind)
            atexit.register(cls.shared[kind].stop)
        return cls.shared[kind]

    def call(self, operation, **parameters):
        with self.lock:
            number = self.next_number
            self.next_number += 1
            call = {"id": number, "operation": operation, "parameters": packed(parameters)}
            self.process.stdin.write(json.dumps(call) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        assert answer["id"] == number
        if "error" in answer:
            raise Failure(answer["error"])
        return unpacked(answer["result"])

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def packed(value):
    if isinstance(value, dict):
        return {name: packed(part) for name, part in value.items()}
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return value


def unpacked(value):
    if isinstance(value, dict):
        if list(value) == ["base64"]:
            return base64.b64decode(value["base64"])
        return {name: unpacked(part) for name, part in value.items()}
    return [unpacked(part) for part in value] if isinstance(value, list) else value


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.lines = [(name.lower(), value) for name, value in response.getheaders()]
        self.body = response.read()

    @property
    def code(self):
        """The service's error code."""
        text = self.body.decode()
        return text.partition("<Code>")[2].partition("</Code>")[0]


def send(url, method="GET", headers=(), body=None, trusted=None):
    """One request whose target is exactly what stands after the host in `url`."""
    scheme, _, rest = url.partition("://")
    host, slash, target = rest.partition("/")
    if scheme == "https":
        context = ssl.create_default_context(cafile=trusted)
        connection = http.client.HTTPSConnection(host, timeout=60, context=context)
    else:
        connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.putrequest(
            method, slash + target, skip_host="Host" in headers, skip_accept_encoding=True
        )
        for name, value in dict(headers).items():
            connection.putheader(name, value)
        if body is not None or method in ("PUT", "POST"):
            connection.putheader("Content-Length", str(len(body or b"")))
        connection.endheaders(body or None)
        return Answer(connection.getresponse())
    finally:
        connection.close()
