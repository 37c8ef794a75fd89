"""A Google Cloud Storage of our own that checks every credential; `start.sh gcs` runs it.

When it is ready, one line of JSON says where it is and who may use it. After that each line on
standard input is a call, answered by one line on standard output, in any order:

    {"id": 1, "operation": "head", "parameters": {"key": "a"}}
    {"id": 1, "result": {"size": 5, ...}}   or   {"id": 1, "error": {"code": ..., "status": 404}}

`put`, `get`, `head`, `delete` and `list` are done by Google's own client. `identity` makes somebody
with a role (admin, reader, creator, getter, nobody), with credential files and a metadata server of
his own. `fault`, `removeFault`, `faultHits`, `release`, `waitHeld` and `requests` are those of
oracles/faults.py. Bytes travel as {"base64": "..."}.

It ends when standard input closes, on SIGTERM, and when the parent ends in whatever way.
"""

import secrets
import threading

from oracles.certificates import context_for
from oracles.faults import Weather
from oracles.gcs_auth import ANONYMOUS
from oracles.gcs_client import Calls
from oracles.gcs_errors import scripted_failure
from oracles.gcs_files import describe
from oracles.gcs_identities import PROJECT, ROLES, SCOPES, Directory
from oracles.gcs_json import PREFIXES, JSONService
from oracles.gcs_store import Store
from oracles.gcs_tokens import TokenService
from oracles.gcs_xml import XMLService
from oracles.program import Program
from oracles.wire import Listener

BUCKET = "blobs"


class Oracle:
    def __init__(self, directory):
        self.directory = directory
        self.weather = Weather()
        self.store = Store()
        self.store.make_bucket(BUCKET)
        self.identities = Directory()
        self.tokens = TokenService(self.identities)
        self.xml = XMLService(self.store, self.identities)
        self.json = JSONService(self.store, self.identities)
        self.listener = Listener("storage", self.exchange(self.answer))
        self.tokens.origin = self.listener.origin
        context, self.authority = context_for(directory)
        self.encrypted = Listener("storage", self.exchange(self.answer), context)
        self.lock = threading.Lock()

    def exchange(self, handler):
        return lambda request, connection: self.weather.exchange(
            request, connection, handler, scripted_failure
        )

    def answer(self, request):
        if request.path.startswith(("/_auth/", "/v1/projects/-/")):
            return self.tokens.answer(request)
        if request.path.startswith(tuple(PREFIXES)):
            return self.json.answer(request)
        return self.xml.answer(request)

    def identity(self, role="admin", mayActAs=(), name=None, permissions=None):
        """Somebody new; `mayActAs` names those whose tokens and signatures he may ask for."""
        identity = self.identities.add(ROLES[role] if permissions is None else permissions, name)
        identity.may_act_as = set(mayActAs)
        metadata = Listener(identity.name, self.exchange(self.tokens.metadata(identity)))
        token = self.tokens.workload_token(identity)
        return describe(identity, self.listener.origin, metadata.origin, token, self.directory)

    def set_identity(
        self, name, permissions=None, isDisabled=None, tokenSeconds=None, mayActAs=None
    ):
        """Changes what somebody may do, or how long his new tokens live."""
        identity = self.identities.identities[name]
        if permissions is not None:
            identity.permissions = set(permissions)
        if mayActAs is not None:
            identity.may_act_as = set(mayActAs)
        if isDisabled is not None:
            identity.is_disabled = isDisabled
        if tokenSeconds is not None:
            self.tokens.lifetimes[name] = tokenSeconds
        return {}

    def access_token(self, name, scopes=(SCOPES + "cloud-platform",), seconds=3600):
        token, _ = self.identities.issue(self.identities.identities[name], set(scopes), seconds)
        return {"token": token}

    def revoke(self, name):
        return {"count": self.identities.revoke(self.identities.identities[name])}

    def subject_token(self, name, seconds=3600, isForged=False):
        identity = self.identities.identities[name]
        return {"token": self.tokens.workload_token(identity, seconds, isForged)}

    def make_bucket(self, name=None):
        return {"bucket": self.store.make_bucket(name or "bucket-" + secrets.token_hex(8)).name}

    def set_rewrite(self, byteCount=None):
        """How much one call of "rewrite" copies; all without a number."""
        self.json.rewrites.call_size = byteCount
        return {}

    def keep_only(self, key, byteCount):
        """The next bytes in order of this object are kept only so far."""
        self.xml.resumable.kept_limits[key] = byteCount
        return {}

    def set_anonymous(self, permissions=()):
        """What everybody may do, as in a public bucket."""
        ANONYMOUS.permissions = set(permissions)
        return {}

    def sessions(self, prefix="", bucket=BUCKET):
        """Resumable uploads that are neither finished nor given up."""
        with self.store.lock:
            return {
                "sessions": [
                    {"key": one.name, "byteCount": len(one.content)}
                    for one in self.store.sessions.values()
                    if one.bucket == bucket and one.name.startswith(prefix) and one.stored is None
                ]
            }

    def uploads(self, prefix="", bucket=BUCKET):
        """Uploads that are neither completed nor aborted."""
        with self.store.lock:
            return {
                "uploads": [
                    {"key": one.name, "identifier": one.identifier, "parts": sorted(one.parts)}
                    for one in self.store.bucket(bucket).uploads.values()
                    if one.name.startswith(prefix)
                ]
            }


def make(directory):
    oracle = Oracle(directory)
    admin = oracle.identity("admin", name="admin", mayActAs=["admin"])
    reader = oracle.identity("reader", name="reader")
    calls = Calls(oracle.listener.origin, admin["files"]["serviceAccount"], BUCKET)
    operations = calls.operations() | {
        "identity": oracle.identity,
        "setIdentity": oracle.set_identity,
        "accessToken": oracle.access_token,
        "revoke": oracle.revoke,
        "subjectToken": oracle.subject_token,
        "makeBucket": oracle.make_bucket,
        "uploads": oracle.uploads,
        "sessions": oracle.sessions,
        "setRewrite": oracle.set_rewrite,
        "keepOnly": oracle.keep_only,
        "setAnonymous": oracle.set_anonymous,
    }
    operations |= oracle.weather.operations()
    description = {
        "endpoint": oracle.listener.origin,
        "tlsEndpoint": oracle.encrypted.origin,
        "certificateAuthorityFile": oracle.authority,
        "bucket": BUCKET,
        "google": {
            "project": PROJECT,
            "iamEndpoint": oracle.listener.origin,
            "admin": admin,
            "reader": reader,
        },
    }
    return description, operations


if __name__ == "__main__":
    Program("gcs", make).run()
