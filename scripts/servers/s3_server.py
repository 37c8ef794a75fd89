"""Starts one S3 server for the tests and serves them as a client that is not ours.

    s3_server.py seaweedfs|ministack

When the server is ready, one line of JSON says where it is and with which keys. After that each
line on standard input is a call, answered by one line on standard output, in any order:

    {"id": 1, "operation": "head_object", "parameters": {"Bucket": "blobs", "Key": "a"}}
    {"id": 1, "result": {"ContentLength": 5, ...}}   or   {"id": 1, "error": {"code": "404", ...}}

Operations are those of botocore's S3 client; bytes travel as {"base64": "..."}. With
`"service": "sts"` they are those of its STS client. `web_identity_token` makes a token.

The server and its directory are gone when standard input closes, on SIGTERM, and when the parent
ends in whatever way.
"""

import base64
import concurrent.futures
import datetime
import importlib
import json
import os
import queue
import signal
import sys
import threading

import botocore.exceptions

from client import client_for
from supervision import RunDirectory, StartFailure, watch_parent

BUCKET = "blobs"
START_ATTEMPTS = 4
START_SECONDS = 90


class Stop:
    """Ends everything, once, from whatever thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.directory = None
        self.child = None

    def __call__(self, status=0):
        # Never released: who comes second waits for the end of the process.
        self.lock.acquire()
        if self.child is not None:
            self.child.kill()
        if self.directory is not None:
            self.directory.remove()
        os._exit(status)


def launch(kind, stop):
    """Starts the server, again with other ports when somebody took one of them."""
    module = importlib.import_module(kind)
    for attempt in range(START_ATTEMPTS):
        with stop.lock:
            stop.directory = RunDirectory(kind)
            child, description, issuer = module.start(stop.directory.path)
            stop.child = child
        try:
            child.wait_until(lambda: module.is_ready(description, BUCKET), START_SECONDS)
            break
        except StartFailure as failure:
            print(f"{kind}, attempt {attempt + 1}: {failure}", file=sys.stderr, flush=True)
            with stop.lock:
                child.kill()
                stop.directory.remove()
    else:
        raise StartFailure(f"{kind} did not start")
    description |= {
        "kind": kind,
        "region": "us-east-1",
        "bucket": BUCKET,
        "processID": child.process.pid,
    }
    return description, issuer


class Calls:
    """Answers the lines of the tests, several at a time."""

    def __init__(self, description, issuer):
        self.clients = {name: client_for(name, description) for name in ("s3", "sts")}
        self.issuer = issuer
        self.output_lock = threading.Lock()

    def answer(self, line):
        request = json.loads(line)
        answer = {"id": request["id"]}
        try:
            answer["result"] = self.result(request)
        except botocore.exceptions.ClientError as error:
            answer["error"] = {
                "code": error.response["Error"].get("Code", ""),
                "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
            }
        except Exception as error:
            answer["error"] = {"code": type(error).__name__, "status": 0, "message": str(error)}
        self.write(answer)

    def result(self, request):
        parameters = decoded(request.get("parameters", {}))
        if request["operation"] == "web_identity_token":
            return {"token": self.issuer.token(**parameters)}
        client = self.clients[request.get("service", "s3")]
        return encoded(getattr(client, request["operation"])(**parameters))

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
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return value


def read_lines(lines, stop):
    """From the beginning, so that a caller that goes away early is noticed."""
    for line in sys.stdin:
        lines.put(line)
    stop()


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in ("seaweedfs", "ministack"):
        sys.exit(__doc__)
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Not in the handler itself: it may run while this thread holds the lock.
        signal.signal(number, lambda *_: threading.Thread(target=stop).start())
    watch_parent(stop)
    lines = queue.SimpleQueue()
    threading.Thread(target=read_lines, args=(lines, stop), daemon=True).start()
    # The server is started by this thread, because it ends with the thread that started it.
    try:
        description, issuer = launch(sys.argv[1], stop)
        calls = Calls(description, issuer)
        calls.write(description)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            while True:
                pool.submit(calls.answer, lines.get())
    except BrokenPipeError:
        stop()
    except Exception as error:
        print(f"s3_server: {error}", file=sys.stderr, flush=True)
        stop(1)


main()
