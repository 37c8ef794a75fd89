"""Buckets, objects with generations, and uploads in parts."""

import base64
import hashlib
import threading
import time
from dataclasses import dataclass, field

import google_crc32c

from oracles.gcs_errors import GCSError

KEY_LIMIT = 1024


@dataclass
class Attributes:
    """What a client says of an object; kept as it was said."""

    content_type: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    content_disposition: str | None = None
    cache_control: str | None = None
    storage_class: str | None = None
    # Of the key that the client keeps; None for one of Google's.
    key_sha256: str | None = None
    metadata: dict = field(default_factory=dict)


@dataclass
class Stored:
    """One generation of an object."""

    name: str
    pieces: list
    size: int
    crc32c: str
    md5: str | None
    etag: str
    generation: int
    attributes: Attributes
    metageneration: int = 1
    updated: float = field(default_factory=time.time)


@dataclass
class Part:
    piece: bytes
    etag: str
    updated: float = field(default_factory=time.time)


@dataclass
class Upload:
    """An upload in parts that is neither completed nor aborted."""

    identifier: str
    bucket: str
    name: str
    attributes: Attributes
    parts: dict = field(default_factory=dict)


@dataclass
class Session:
    """A resumable upload: its bytes come in order, and the object is there after the last."""

    identifier: str
    bucket: str
    name: str
    attributes: Attributes
    # What is looked at when the last byte is there.
    check: object
    content: bytearray = field(default_factory=bytearray)
    # The object that was made.
    stored: Stored | None = None


@dataclass
class Bucket:
    name: str
    objects: dict = field(default_factory=dict)
    uploads: dict = field(default_factory=dict)


def text_of(digest):
    return base64.b64encode(digest).decode()


def crc_of(pieces):
    value = 0
    for piece in pieces:
        # The library wants bytes.
        value = google_crc32c.extend(value, bytes(piece))
    return text_of(value.to_bytes(4, "big"))


class Store:
    """All buckets. Every method is one step, as on a service that is strongly consistent."""

    def __init__(self):
        self.lock = threading.RLock()
        self.buckets = {}
        self.last_generation = 0
        self.sessions = {}

    def make_bucket(self, name):
        with self.lock:
            return self.buckets.setdefault(name, Bucket(name))

    def bucket(self, name):
        with self.lock:
            if name not in self.buckets:
                raise GCSError("NoSuchBucket", f"No such bucket: {name}")
            return self.buckets[name]

    def find(self, bucket, name, generation=None):
        """The object; None where it, or this generation of it, is not there."""
        with self.lock:
            stored = self.bucket(bucket).objects.get(name)
            if stored is not None and generation not in (None, stored.generation):
                return None
            return stored

    def put(self, bucket, name, pieces, attributes, check, md5=None, etag=None):
        """Makes a generation if `check(old)` does not object."""
        crc = crc_of(pieces)
        size = sum(len(piece) for piece in pieces)
        with self.lock:
            objects = self.bucket(bucket).objects
            check(objects.get(name))
            # Microseconds, as Google's are; never twice.
            self.last_generation = max(self.last_generation + 1, int(time.time() * 1e6))
            stored = Stored(
                name, pieces, size, crc, md5, etag or f'"{base64.b64decode(md5).hex()}"',
                self.last_generation, attributes,
            )  # fmt: skip
            objects[name] = stored
            return stored

    def delete(self, bucket, name, generation, check):
        with self.lock:
            stored = self.find(bucket, name, generation)
            if stored is None:
                raise GCSError("NoSuchKey", f"No such object: {bucket}/{name}")
            check(stored)
            del self.bucket(bucket).objects[name]

    def names(self, bucket, prefix):
        """Sorted by their bytes in UTF-8, as the service lists."""
        with self.lock:
            found = [name for name in self.bucket(bucket).objects if name.startswith(prefix)]
        return sorted(found, key=lambda name: name.encode())

    def upload(self, bucket, name, identifier):
        with self.lock:
            upload = self.bucket(bucket).uploads.get(identifier)
            if upload is None or upload.name != name:
                raise GCSError("NoSuchUpload", "The requested upload was not found.")
            return upload


def check_name(name):
    """The names that Google refuses."""
    if len(name.encode()) > KEY_LIMIT:
        raise GCSError("KeyTooLong")
    is_wrong = name in (".", "..") or name.startswith(".well-known/acme-challenge/")
    if is_wrong or "\r" in name or "\n" in name:
        raise GCSError("InvalidArgument", "Disallowed object name.")


def md5_text(data):
    return text_of(hashlib.md5(data, usedforsecurity=False).digest())
