"""Copies by the JSON API, which can take several calls."""

import secrets

from oracles.gcs_errors import GCSError
from oracles.gcs_objects import check_customer_key, check_generations, copied, customer_key
from oracles.gcs_store import Attributes

SMALLEST_CALL = 1024**2


class Rewrites:
    def __init__(self, store, objects):
        self.store = store
        self.objects = objects
        # How much one call copies; tests make it less, as it is between distant places.
        self.call_size = None
        self.tokens = {}

    def call(self, request, caller, source_place, place, attributes):
        """What was made; or how far it has come."""
        text = "/".join(source_place)
        caller.require("storage.objects.get", text)
        caller.require("storage.objects.create", "/".join(place))
        # Both are there, or which one is missing is not told but in words.
        self.store.bucket(place[0])
        source = self.store.find(*source_place)
        if source is None:
            caller.require("storage.objects.list", source_place[0])
            raise GCSError("NoSuchKey", f"No such object: {text}")
        check_generations(request, source, "x-goog-copy-source-if-")
        check_customer_key(request, source, "x-goog-copy-source-encryption-")
        if attributes is None:
            attributes = copied(source.attributes, Attributes())
        attributes.key_sha256 = customer_key(request)
        is_done, progress = self.proceed(request, source, place)
        if not is_done:
            return progress
        return self.store.put(
            *place, source.pieces, attributes, self.objects.write_check(request, caller, place),
            source.md5, source.etag,
        )  # fmt: skip

    def proceed(self, request, source, place):
        done = 0
        token = request.parameter("rewriteToken")
        if token is not None:
            if token not in self.tokens or self.tokens[token][:2] != (source.generation, place):
                raise GCSError("InvalidArgument", "rewriteToken")
            done = self.tokens[token][2]
        done += max(self.call_size, SMALLEST_CALL) if self.call_size else source.size
        if done >= source.size:
            return True, None
        token = secrets.token_urlsafe(16)
        self.tokens[token] = (source.generation, place, done)
        return False, {
            "kind": "storage#rewriteResponse", "done": False, "rewriteToken": token,
            "totalBytesRewritten": str(done), "objectSize": str(source.size),
        }  # fmt: skip
