#!/usr/bin/env python3
"""Named cases against a running server: python3 conformance.py SOCKET BASE_URI [NAME ...]

BASE_URI is a prefix under which blobs may be written and deleted, without a slash at its end,
for example file:///tmp/conformance. The exit status is the number of failed cases, at most 100.
"""

import sys
import time
import traceback

import conformance_edges
import conformance_operations
import conformance_violations


def main(arguments):
    if len(arguments) < 2:
        sys.exit(__doc__)
    path, base = arguments[0], arguments[1].rstrip("/")
    wanted = [name for name in arguments[2:] if name != "-v"]
    base = "%s/conformance-%d" % (base, time.time_ns())
    cases = (conformance_operations.CASES + conformance_edges.CASES
             + conformance_violations.CASES)
    failed = []
    for case in cases:
        name = case.__name__
        if wanted and name not in wanted:
            continue
        start = time.monotonic()
        try:
            case(path, "%s/%s" % (base, name))
            result = "ok"
        except conformance_operations.Skipped as reason:
            result = "skipped (%s)" % reason
        except Exception as error:  # Every kind of failure is one line of the report.
            result = "FAILED %s: %s" % (type(error).__name__, error)
            failed.append(name)
            if "-v" in arguments:
                traceback.print_exc()
        rules = (case.__doc__ or "").split("\n")[0]
        print("%-34s %6.0f ms  %s  [%s]" % (
            name, (time.monotonic() - start) * 1000, result, rules), flush=True)
    print("%d cases, %d failed%s" % (
        len(wanted) or len(cases), len(failed),
        ": " + ", ".join(failed) if failed else ""))
    return min(100, len(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
