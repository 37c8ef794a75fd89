#!/usr/bin/env python3
"""An executor in a sandbox: does what its tests tell it, one JSON object a line.

A line names what to do ("do") and has an "id"; the answer has the same id and either "value" or
"error". Bytes travel as base64.
"""

import base64
import json
import os
import socket
import sys

import blobrpc_wire as wire
from blobrpc_client import BlobError, Client, ConnectionLost, GoAway


class Executor:
    """Holds one connection, as a job would."""

    def __init__(self, path):
        self.path = path
        self.client = None

    def connect(self, _):
        self.client = Client(self.path)
        return {key: self.client.connection.hello.get(key) for key in ("operations", "readOnly")}

    def call(self, line):
        """A call with any fields; a text that is no UTF-8 comes as base64 in "rawURI"."""
        fields = list(line.get("fields", {}).items())
        if "rawURI" in line:
            fields.append(("uri", base64.b64decode(line["rawURI"])))
        body = base64.b64decode(line["body"]) if "body" in line else None
        response, data = self.client.connection.call(line["operation"], fields, body)
        return {"fields": response, "body": base64.b64encode(data).decode()}

    def list(self, line):
        entries, prefixes, _ = self.client.list(line["uri"])
        return {"uris": [entry["uri"] for entry in entries] + prefixes}

    def look(self, line):
        """What there is beside the socket."""
        return {
            "user": os.getuid(),
            "root": sorted(os.listdir("/")),
            "sockets": sorted(os.listdir(os.path.dirname(self.path))),
            "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
            "interfaces": sorted(name for _, name in socket.if_nameindex()),
            "loopback": self._reaches(line["port"]),
            "existing": [path for path in line["paths"] if os.path.exists(path)],
        }

    @staticmethod
    def _reaches(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return True
        except OSError:
            return False


def main(path):
    executor = Executor(path)
    for text in sys.stdin:
        line = json.loads(text)
        answer = {"id": line["id"]}
        try:
            answer["value"] = getattr(executor, line["do"])(line)
        except BlobError as error:
            answer["error"] = error.fields
        except (ConnectionLost, GoAway, wire.WireError, OSError) as error:
            answer["error"] = {"status": type(error).__name__}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
