"""Containers, blobs, and blocks that no commit has taken yet."""

import itertools
import secrets
import threading
import time
from dataclasses import dataclass, field

from oracles.azure_errors import AzureError


@dataclass
class Properties:
    content_type: str = "application/octet-stream"
    content_encoding: str | None = None
    content_language: str | None = None
    content_disposition: str | None = None
    cache_control: str | None = None
    content_md5: str | None = None


@dataclass
class Stored:
    """A blob; `blocks` are the identifiers of the last commit with their sizes."""

    name: str
    pieces: list
    properties: Properties
    metadata: dict
    etag: str
    blocks: list = field(default_factory=list)
    updated: float = field(default_factory=time.time)
    created: float = field(default_factory=time.time)
    tier: str = "Hot"
    snapshots: list = field(default_factory=list)

    @property
    def size(self):
        return sum(len(piece) for piece in self.pieces)


@dataclass
class Container:
    name: str
    etag: str
    blobs: dict = field(default_factory=dict)
    # For each blob what was put and not yet committed, whoever put it: identifier to bytes.
    uncommitted: dict = field(default_factory=dict)
    updated: float = field(default_factory=time.time)


class Store:
    def __init__(self):
        self.lock = threading.RLock()
        self.containers = {}
        self.numbers = itertools.count(0x8DC000000000000 + secrets.randbelow(1 << 40))

    def etag(self):
        return f'"0x{next(self.numbers):X}"'

    def make_container(self, name):
        with self.lock:
            if name in self.containers:
                raise AzureError("ContainerAlreadyExists")
            self.containers[name] = Container(name, self.etag())
            return self.containers[name]

    def container(self, name):
        with self.lock:
            if name not in self.containers:
                raise AzureError("ContainerNotFound")
            return self.containers[name]

    def find(self, container, name):
        with self.lock:
            return self.container(container).blobs.get(name)

    def existing(self, container, name):
        stored = self.find(container, name)
        if stored is None:
            raise AzureError("BlobNotFound")
        return stored

    def put(self, place, check, pieces, properties, metadata, blocks=()):
        """Replaces the blob if `check(old)` does not object, and forgets uncommitted blocks."""
        with self.lock:
            container = self.container(place[0])
            old = container.blobs.get(place[1])
            check(old)
            stored = Stored(place[1], pieces, properties, metadata, self.etag(), list(blocks))
            if old is not None:
                stored.created, stored.snapshots = old.created, old.snapshots
            container.blobs[place[1]] = stored
            container.uncommitted.pop(place[1], None)
            return stored

    def names(self, container, prefix):
        with self.lock:
            found = [name for name in self.container(container).blobs if name.startswith(prefix)]
        return sorted(found, key=lambda name: name.encode())
