"""Resumable uploads, by the XML API and by the JSON API."""

import re
import secrets

from oracles.gcs_errors import GCSError
from oracles.gcs_objects import check_digests, described, number
from oracles.gcs_store import Session, check_name, crc_of, md5_text
from oracles.wire import Response

UNIT = 256 * 1024
LARGEST = 5 * 1024**4
RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", re.ASCII)


class Resumable:
    """Whoever knows the name of a session can write to it, and needs nothing else."""

    def __init__(self, store):
        self.store = store
        # How many of the next bytes are kept, by name of the object; tests make that few.
        self.kept_limits = {}

    def start(self, request, caller, place, attributes, check):
        """Makes a session; its conditions are looked at when all bytes are there."""
        check_name(place[1])
        caller.require("storage.objects.create", "/".join(place))
        self.store.bucket(place[0])
        session = Session(secrets.token_urlsafe(48), *place, attributes, check)
        with self.store.lock:
            self.store.sessions[session.identifier] = session
        origin = f"{'https' if request.is_encrypted else 'http'}://{request.header('host')}"
        question = f"{request.query}&" if request.query else ""
        location = f"{origin}{request.path}?{question}upload_id={session.identifier}"
        return Response(201, [("Location", location), ("X-GUploader-UploadID", session.identifier)])

    def proceed(self, request):
        """PUT takes bytes or tells how many there are; DELETE ends the session."""
        identifier = request.parameter("upload_id")
        with self.store.lock:
            session = self.store.sessions.get(identifier)
            if session is None:
                raise GCSError("SessionGone")
            if request.method == "DELETE":
                del self.store.sessions[identifier]
                return Response(499, [])
            if request.method != "PUT":
                raise GCSError("MethodNotAllowed")
            if session.stored is None and self.is_complete(request, session):
                self.finish(request, session)
            return self.answer(session)

    def is_complete(self, request, session):
        body = bytes(request.body)
        text = request.header("content-range")
        if text is None:
            # All of it at once.
            session.content[:] = body
            return True
        match = RANGE.fullmatch(text)
        if match is None:
            raise GCSError("InvalidArgument", "Content-Range")
        total = None if match[3] == "*" else number(match[3], "the size")
        if match[1] is not None:
            start, end = int(match[1]), int(match[2]) + 1
            if end - start != len(body) or total is not None and end > total:
                raise GCSError("InvalidArgument", "Content-Range does not fit the body.")
            if end != total and len(body) % UNIT != 0:
                raise GCSError("InvalidArgument", "Not a multiple of 256 KiB.")
            kept = len(session.content)
            # What is there already is ignored; what leaves a gap is not taken.
            if start <= kept:
                limit = self.kept_limits.pop(session.name, len(body))
                session.content += body[kept - start :][:limit]
        elif body:
            raise GCSError("InvalidArgument", "A question has no body.")
        if len(session.content) > LARGEST:
            raise GCSError("EntityTooLarge")
        return total is not None and len(session.content) == total

    def finish(self, request, session):
        if request.header("content-range") is None:
            check_digests(request)
        content = bytes(session.content)
        session.content.clear()
        try:
            session.stored = self.store.put(
                session.bucket, session.name, [content], session.attributes, session.check,
                md5_text(content),
            )  # fmt: skip
        except GCSError:
            del self.store.sessions[session.identifier]
            raise
        assert session.stored.crc32c == crc_of([content])

    def answer(self, session):
        if session.stored is not None:
            return Response(200, described(session.stored))
        kept = len(session.content)
        return Response(308, [("Range", f"bytes=0-{kept - 1}")] if kept else [])
