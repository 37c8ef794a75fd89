#!/usr/bin/env python3
"""Checks the Python decoder against Vectors/: python3 Tests/Python/test_vectors.py"""

import json
import pathlib
import sys

import blobrpc_wire as wire
from blobrpc_messages import (
    decode_hello, decode_records, decode_request, decode_response, decode_status,
)

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Vectors"


def frames_of(data, preface):
    """(frames, error) as a receiver with the default limits finds them."""
    frames, position = [], 0
    try:
        if preface:
            for index, byte in enumerate(data[:8]):
                if byte != wire.PREFACE[index]:
                    raise wire.WireError("BAD_FRAME", "W-01")
            position = 8
        while len(data) - position >= 16:
            length, kind, flags, stream, aux = wire.header(data[position:position + 16])
            if len(data) - position - 16 < length:
                break
            payload = data[position + 16:position + 16 + length]
            frames.append({"type": kind, "stream": stream, "flags": flags, "aux": aux,
                           "payload": payload.hex()})
            position += 16 + length
    except wire.WireError as error:
        return frames, error.code
    return frames, None


def check(data, expected):
    """What differs, or None."""
    kind = expected["kind"]
    if kind == "stream":
        frames, error = frames_of(data, expected["preface"])
        is_right = frames == expected["frames"] and error == expected["error"]
        return None if is_right else (frames, error)
    if kind == "machine":
        # Only the frames: the client of this folder has no machine of its own.
        frames, error = frames_of(data, False)
        return None if error is None and frames else error
    try:
        if kind == "hello":
            found = decode_hello(data)
            wanted = expected.get("hello", {"no": "error"})
            return next((n for n, v in wanted.items() if found.get(n) != v), None)
        if kind == "request":
            operation, timeout, _ = decode_request(data)
            wanted = (expected.get("operation"), expected.get("timeout"))
            return None if (operation, timeout) == wanted else (operation, timeout)
        if kind == "response":
            found = (decode_status(data) if expected["operation"] == "trailer"
                     else decode_response(data, expected["operation"]))
            same = (found["status"] == expected.get("status")
                    and found.get("retry", expected.get("retry")) == expected.get("retry"))
            return None if same else found
        kinds = {"entry", "prefix"} if expected["record"] == "entry" else {expected["record"]}
        found = decode_records(data, kinds)
        return None if len(found) == expected.get("count") else found
    except wire.Refused as error:
        return None if error.code == expected.get("refused") else error
    except wire.WireError as error:
        return None if error.code == expected.get("malformed", expected.get("error")) else error


def main():
    failures, count = 0, 0
    for path in sorted(ROOT.glob("*/*.hex")):
        count += 1
        data = bytes.fromhex("".join(path.read_text().split()))
        expected = json.loads(path.with_suffix(".json").read_text())
        difference = check(data, expected)
        if expected["rule"] != path.parent.name:
            difference = "the folder is not the rule"
        if difference is not None:
            failures += 1
            print("%s/%s: %s" % (path.parent.name, path.stem, difference))
    print("%d vectors, %d failed" % (count, failures))
    return min(failures, 100) if count else 1


if __name__ == "__main__":
    sys.exit(main())
