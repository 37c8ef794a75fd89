"""Who may do what: service accounts with their keys, users, workloads, and their access tokens."""

import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT = "test-project"
READ = {"storage.objects.get", "storage.objects.list", "storage.buckets.get"}
WRITE = {"storage.objects.create", "storage.objects.delete"}
MULTIPART = {
    "storage.multipartUploads." + name for name in ("create", "abort", "list", "listParts")
}
ROLES = {
    "admin": READ | WRITE | MULTIPART | {"storage.buckets.create"},
    "reader": READ,
    # As roles/storage.objectCreator: what is missing cannot be told from what may not be seen,
    # and nothing can be overwritten.
    "creator": {"storage.objects.create"} | MULTIPART,
    "getter": {"storage.objects.get"},
    "nobody": set(),
}
SCOPES = "https://www.googleapis.com/auth/"
SYSTEM_KEY_SECONDS = 12 * 3600


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_text(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def private_text(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@dataclass
class Identity:
    """A principal. Only service accounts have an address of mail and keys."""

    name: str
    permissions: set
    email: str = ""
    unique_id: str = ""
    key: rsa.RSAPrivateKey | None = None
    key_id: str = ""
    # Google keeps it; `signBlob` signs with it and changes it at any time after twelve hours.
    system_key: rsa.RSAPrivateKey | None = None
    system_key_id: str = ""
    # Names of the service accounts it may sign and get tokens for.
    may_act_as: set = field(default_factory=set)
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    is_disabled: bool = False


@dataclass
class AccessToken:
    identity: Identity
    scopes: set
    expires: float


class Directory:
    """All identities and all tokens of one server."""

    def __init__(self):
        self.lock = threading.Lock()
        self.identities = {}
        self.by_email = {}
        self.tokens = {}
        # Signs the identity tokens of workloads outside Google.
        self.workload_key = new_key()
        self.workload_key_id = secrets.token_hex(8)
        # Signs what must be refused.
        self.forging_key = new_key()

    def add(self, permissions, name=None):
        name = name or "id-" + uuid.uuid4().hex[:12]
        identity = Identity(name, set(permissions))
        identity.email = f"{name}@{PROJECT}.iam.gserviceaccount.com"
        identity.unique_id = str(10**20 + secrets.randbelow(10**20))
        identity.key, identity.key_id = new_key(), secrets.token_hex(20)
        identity.system_key, identity.system_key_id = new_key(), secrets.token_hex(20)
        identity.client_id = f"{secrets.randbelow(10**12)}.apps.googleusercontent.com"
        identity.client_secret = secrets.token_urlsafe(18)
        identity.refresh_token = "1//" + secrets.token_urlsafe(48)
        with self.lock:
            self.identities[name] = identity
            self.by_email[identity.email] = identity
        return identity

    def issue(self, identity, scopes, seconds=3600):
        """A new access token and its life in seconds, like Google's one second short."""
        token = "ya29." + secrets.token_urlsafe(96)
        with self.lock:
            self.tokens[token] = AccessToken(identity, set(scopes), time.time() + seconds)
        return token, int(seconds) - 1

    def token(self, text):
        with self.lock:
            token = self.tokens.get(text)
        is_good = token and time.time() < token.expires and not token.identity.is_disabled
        return token if is_good else None

    def revoke(self, identity):
        """Ends all tokens of an identity, though their time has not come."""
        with self.lock:
            ended = [text for text, token in self.tokens.items() if token.identity is identity]
            for text in ended:
                del self.tokens[text]
        return len(ended)


def scopes_allow(scopes, permission):
    """Whether a token with `scopes` may use a permission of storage."""
    names = {scope.removeprefix(SCOPES) for scope in scopes}
    if names & {"cloud-platform", "devstorage.full_control", "devstorage.read_write"}:
        return True
    reads = permission.endswith((".get", ".list", ".listParts"))
    if names & {"devstorage.read_only", "cloud-platform.read-only"}:
        return reads
    return False
