"""Accounts with their keys, and principals of Entra with their roles and tokens."""

import base64
import hashlib
import hmac
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field

ROLES = {
    # As Storage Blob Data Contributor.
    "contributor": {"read", "write", "delete", "container", "delegate"},
    "reader": {"read", "delegate"},
    # As Storage Blob Delegator: it may sign, but its signatures allow nothing.
    "delegator": {"delegate"},
    # May do everything with blobs, but has no right to sign for others.
    "worker": {"read", "write", "delete"},
    "nobody": set(),
}
RESOURCES = {"https://storage.azure.com", "https://storage.azure.com/"}
KEY_FIELDS = ("skoid", "sktid", "skt", "ske", "sks", "skv")


@dataclass
class Account:
    name: str
    key: bytes


@dataclass
class Principal:
    """Somebody in a tenant of his own."""

    name: str
    rights: set
    tenant: str = field(default_factory=lambda: str(uuid.uuid4()))
    object_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    identity_header: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    is_disabled: bool = False
    token_seconds: int = 86400


@dataclass
class Token:
    principal: Principal
    resource: str
    expires: float


class Directory:
    def __init__(self):
        self.lock = threading.Lock()
        self.principals = {}
        self.tokens = {}
        # Every delegation key comes of it, so that none needs to be kept.
        self.delegation_secret = secrets.token_bytes(32)

    def add(self, rights, name=None):
        principal = Principal(name or "id-" + uuid.uuid4().hex[:12], set(rights))
        with self.lock:
            self.principals[principal.name] = principal
        return principal

    def by_object_id(self, object_id):
        with self.lock:
            found = (one for one in self.principals.values() if one.object_id == object_id)
            return next(found, None)

    def issue(self, principal, resource, seconds=None):
        seconds = principal.token_seconds if seconds is None else seconds
        text = "eyJ0eXAiOiJKV1QifQ." + secrets.token_urlsafe(96) + ".oracle"
        with self.lock:
            self.tokens[text] = Token(principal, resource, time.time() + seconds)
        return text, seconds

    def token(self, text):
        with self.lock:
            token = self.tokens.get(text)
        is_good = token and time.time() < token.expires and not token.principal.is_disabled
        return token if is_good else None

    def revoke(self, principal):
        with self.lock:
            ended = [text for text, one in self.tokens.items() if one.principal is principal]
            for text in ended:
                del self.tokens[text]
        return len(ended)

    def delegation_key(self, values):
        """The key with these properties: another property makes another key."""
        text = "\n".join(values[name] for name in KEY_FIELDS)
        digest = hmac.digest(self.delegation_secret, text.encode(), hashlib.sha256)
        return base64.b64encode(digest).decode()
