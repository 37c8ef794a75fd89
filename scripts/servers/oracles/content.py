"""Bodies made of pieces, ranges of them, and dates of HTTP."""

import email.utils
import re
import time

RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


class Unsatisfiable(Exception):
    """The range begins after the end."""


def parsed_range(text, size):
    """The first offset and the offset after the last; None where the header is to be ignored."""
    match = RANGE.fullmatch(text.strip()) if text else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first == "":
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size
    if last != "" and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return int(first), size if last == "" else min(int(last) + 1, size)


def cut(pieces, start, end):
    """Views of the bytes from `start` to before `end`."""
    views = []
    offset = 0
    for piece in pieces:
        low, high = max(start, offset), min(end, offset + len(piece))
        if low < high:
            views.append(memoryview(piece)[low - offset : high - offset])
        offset += len(piece)
        if offset >= end:
            break
    return views


def http_date(seconds=None):
    return email.utils.formatdate(time.time() if seconds is None else seconds, usegmt=True)


def seconds_of(text):
    """The time of an HTTP date; None where it is none."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None


def utc(seconds, fraction="000"):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + (
        f".{fraction}Z" if fraction else "Z"
    )
