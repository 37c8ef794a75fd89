"""What both oracles have in common as programs: one line when ready, calls on standard input."""

import base64
import datetime
import json
import os
import queue
import signal
import sys
import threading
import traceback

from supervision import RunDirectory, watch_parent


class CallFailure(Exception):
    """What a call reports: the service's code and the status of HTTP."""

    def __init__(self, code, status, message=""):
        super().__init__(message)
        self.code = code
        self.status = status


class Program:
    """Runs `make(directory)`, which returns a description and a table of operations."""

    def __init__(self, kind, make):
        self.kind = kind
        self.make = make
        self.output_lock = threading.Lock()
        self.stop_lock = threading.Lock()
        self.directory = None

    def stop(self, status=0):
        # Never released: who comes second waits for the end of the process.
        self.stop_lock.acquire()
        if self.directory is not None:
            self.directory.remove()
        os._exit(status)

    def run(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # Not in the handler itself: it may run while this thread holds the lock.
            signal.signal(number, lambda *_: threading.Thread(target=self.stop).start())
        watch_parent(self.stop)
        lines = queue.SimpleQueue()
        threading.Thread(target=self.read_lines, args=(lines,), daemon=True).start()
        try:
            with self.stop_lock:
                self.directory = RunDirectory(self.kind)
            description, operations = self.make(self.directory.path)
            description |= {"kind": self.kind, "processID": os.getpid()}
            self.write(description)
            while True:
                # A call may wait for a request, so each has a thread.
                arguments = (json.loads(lines.get()), operations)
                threading.Thread(target=self.answer, args=arguments, daemon=True).start()
        except BrokenPipeError:
            self.stop()
        except Exception:
            traceback.print_exc()
            self.stop(1)

    def read_lines(self, lines):
        for line in sys.stdin:
            lines.put(line)
        self.stop()

    def answer(self, call, operations):
        answer = {"id": call["id"]}
        try:
            operation = operations[call["operation"]]
            answer["result"] = encoded(operation(**decoded(call.get("parameters", {}))))
        except CallFailure as error:
            answer["error"] = {
                "code": error.code,
                "status": error.status,
                "message": str(error),
            }
        except Exception as error:
            answer["error"] = {"code": type(error).__name__, "status": 0, "message": str(error)}
        try:
            self.write(answer)
        except BrokenPipeError:
            self.stop()

    def write(self, document):
        line = json.dumps(document)
        with self.output_lock:
            print(line, flush=True)


def decoded(value):
    if isinstance(value, dict):
        if list(value) == ["base64"]:
            return base64.b64decode(value["base64"])
        return {name: decoded(part) for name, part in value.items()}
    return [decoded(part) for part in value] if isinstance(value, list) else value


def encoded(value):
    if isinstance(value, dict):
        return {name: encoded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [encoded(part) for part in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(value).decode()}
    return value


def write_file(directory, name, content):
    """A file that only its owner may read; returns its path."""
    path = os.path.join(directory, name)
    data = content if isinstance(content, bytes) else content.encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return path
