"""Bad weather on demand, and a record of what was asked.

A fault is chosen by a regular expression over "METHOD target", where wanted on one `listener`
alone, and happens `times` times, after it was passed over `skip` times. What it does, in the order
in which it happens:

    hold            a name: the request waits until `release` is called with it
    delayMilliseconds    the request waits
    drop            the connection ends before anything is done
    reset           it is reset instead
    status          answered with it (`code`, `message`, `headers`, `body`), and nothing is done
    perform         with `status`: it is done all the same, and then answered so
    loseReply       it is done, but the connection ends instead of an answer
    setHeaders, removeHeaders, corruptByteAt, cutAfterBytes    change the answer
    stallUntil      with `cutAfterBytes`: nothing more comes, but the connection stays until `release`
                    is called with that name
"""

import collections
import re
import threading
import time
import traceback

from oracles.wire import Response

WAIT_SECONDS = 120
LOG_LENGTH = 200_000


class Fault:
    def __init__(self, number, description):
        known = {
            "match", "listener", "times", "skip", "hold", "delayMilliseconds", "drop", "status", "code",
            "message", "headers", "body", "perform", "loseReply", "setHeaders",
            "removeHeaders", "corruptByteAt", "cutAfterBytes", "reset", "stallUntil",
        }  # fmt: skip
        if unknown := set(description) - known:
            raise ValueError(f"unknown parts of a fault: {sorted(unknown)}")
        self.number = number
        self.pattern = re.compile(description["match"])
        self.remaining = description.get("times", 1)
        self.skip = description.get("skip", 0)
        self.hits = 0
        self.parts = description


class Weather:
    """The faults and the record of one server; safe from any thread."""

    def __init__(self):
        self.changed = threading.Condition()
        self.faults = []
        self.released = set()
        self.held = collections.Counter()
        self.log = collections.deque(maxlen=LOG_LENGTH)
        self.next_number = 1

    def add(self, description):
        with self.changed:
            fault = Fault(self.next_number, description)
            self.next_number += 1
            self.faults.append(fault)
            return {"fault": fault.number}

    def remove(self, fault):
        with self.changed:
            hits = next((one.hits for one in self.faults if one.number == fault), 0)
            self.faults = [one for one in self.faults if one.number != fault]
            return {"hits": hits}

    def hits(self, number, at_least=0):
        """How often it happened; waits until that is `at_least`."""
        with self.changed:
            fault = next(one for one in self.faults if one.number == number)
            if not self.changed.wait_for(lambda: fault.hits >= at_least, WAIT_SECONDS):
                raise TimeoutError("the fault did not happen")
            return {"hits": fault.hits}

    def release(self, name):
        with self.changed:
            self.released.add(name)
            self.changed.notify_all()
        return {}

    def wait_held(self, name, count=1):
        with self.changed:
            if not self.changed.wait_for(lambda: self.held[name] >= count, WAIT_SECONDS):
                raise TimeoutError("no request came")
            return {"count": self.held[name]}

    def choose(self, request):
        line = f"{request.method} {request.target}"
        with self.changed:
            for fault in self.faults:
                if fault.remaining == 0 or not fault.pattern.search(line):
                    continue
                if fault.parts.get("listener", request.listener) != request.listener:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.remaining -= 1
                fault.hits += 1
                self.changed.notify_all()
                return fault.parts
        return None

    def hold(self, name):
        with self.changed:
            self.held[name] += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: name in self.released, WAIT_SECONDS)

    def record(self, request, status):
        entry = {
            "method": request.method,
            "target": request.target,
            "status": status,
            "headers": {name.lower(): value for name, value in request.headers},
            "bodyByteCount": len(request.body),
            "listener": request.listener,
        }
        # What authenticates has no place in the output of a test.
        if "authorization" in entry["headers"]:
            entry["headers"]["authorization"] = entry["headers"]["authorization"].split(" ")[0]
        with self.changed:
            self.log.append(entry)
            self.changed.notify_all()

    def requests(self, match, at_least=0, listener=None):
        """What was answered so far and matches; waits until that is `at_least` requests."""
        pattern = re.compile(match)

        def found():
            return [
                one
                for one in self.log
                if pattern.search(f"{one['method']} {one['target']}")
                and listener in (None, one["listener"])
            ]

        with self.changed:
            if not self.changed.wait_for(lambda: len(found()) >= at_least, WAIT_SECONDS):
                raise TimeoutError("no such requests came")
            return {"requests": found()}

    def operations(self):
        """The calls about faults and requests."""
        return {
            "fault": lambda **parts: self.add(parts),
            "removeFault": self.remove,
            "faultHits": lambda fault, atLeast=0: self.hits(fault, atLeast),
            "release": self.release,
            "waitHeld": self.wait_held,
            "requests": lambda match, atLeast=0, listener=None: self.requests(
                match, atLeast, listener
            ),
        }

    def exchange(self, request, connection, handler, failure):
        """Answers one request as the faults have it; whether the connection stays."""
        fault = self.choose(request) or {}
        if "hold" in fault:
            self.hold(fault["hold"])
        if "delayMilliseconds" in fault:
            time.sleep(fault["delayMilliseconds"] / 1000)
        if fault.get("drop"):
            self.record(request, 0)
            return False
        if fault.get("reset"):
            self.record(request, 0)
            connection.reset()
            return False
        response = None
        if "status" not in fault or fault.get("perform"):
            response = self.handled(request, handler, failure)
        if "status" in fault:
            response = scripted(fault, request, failure)
        if fault.get("loseReply"):
            self.record(request, 0)
            return False
        changed(response, fault)
        # Before the answer: who has it finds the request in the record.
        self.record(request, response.status)
        stays = connection.answer(request, response, fault.get("cutAfterBytes"))
        if "stallUntil" in fault:
            self.hold(fault["stallUntil"])
        return stays

    def handled(self, request, handler, failure):
        try:
            return handler(request)
        except Exception:
            # A mistake in the oracle is to be seen as one.
            traceback.print_exc()
            return failure(request, 500, "OracleFailure", "The oracle failed; see its output.")


def scripted(fault, request, failure):
    if "body" in fault:
        response = Response(fault["status"], [], [fault["body"].encode()])
    else:
        response = failure(request, fault["status"], fault.get("code"), fault.get("message"))
    for name, value in fault.get("headers", {}).items():
        response.set(name, value)
    return response


def changed(response, fault):
    for name, value in fault.get("setHeaders", {}).items():
        response.set(name, value)
    for name in fault.get("removeHeaders", []):
        response.remove(name)
    if "corruptByteAt" in fault:
        body = bytearray(b"".join(response.pieces))
        if fault["corruptByteAt"] < len(body):
            body[fault["corruptByteAt"]] ^= 1
        response.pieces = [body]
