"""An Azure Blob service of our own that checks every credential; `start.sh azure` runs it.

When it is ready, one line of JSON says where it is and who may use it. After that each line on
standard input is a call, answered by one line on standard output, in any order:

    {"id": 1, "operation": "head", "parameters": {"key": "a"}}
    {"id": 1, "result": {"size": 5, ...}}   or   {"id": 1, "error": {"code": ..., "status": 404}}

`put`, `get`, `head`, `delete`, `list`, `blocks`, `snapshot` and `tier` are done by Microsoft's own
client; a `bucket` is a container. `sign` has shared access signatures made by Microsoft's last
client for version 2023-11-03. `principal` makes somebody with a role (contributor, reader,
delegator, worker, nobody) and a server for his tokens. `fault`, `removeFault`, `faultHits`,
`release`, `waitHeld` and `requests` are those of oracles/faults.py. Bytes travel as
{"base64": "..."}.

It ends when standard input closes, on SIGTERM, and when the parent ends in whatever way.
"""

import base64
import secrets
import urllib.parse

from oracles.azure_client import Calls
from oracles.azure_errors import scripted_failure
from oracles.azure_identities import ROLES, Account, Directory
from oracles.azure_older import OlderClient
from oracles.azure_service import BlobService, resolved
from oracles.azure_store import Store
from oracles.azure_tokens import TokenService, resource_id
from oracles.certificates import context_for
from oracles.faults import Weather
from oracles.gcs_errors import scripted_failure as scripted_token_failure
from oracles.program import Program, write_file
from oracles.wire import Listener

ACCOUNT = "testaccount"
CONTAINER = "blobs"


class Oracle:
    def __init__(self, directory):
        self.directory = directory
        self.weather = Weather()
        self.account = Account(ACCOUNT, secrets.token_bytes(64))
        self.store = Store()
        self.store.make_container(CONTAINER)
        self.principals = Directory()
        self.service = BlobService(self.store, self.account, self.principals)
        self.tokens = TokenService(self.principals)
        exchange = self.exchange(self.service.answer, scripted_failure)
        self.listener = Listener("storage", exchange)
        self.endpoint = f"{self.listener.origin}/{ACCOUNT}"
        context, self.authority = context_for(directory)
        self.encrypted = Listener("storage", exchange, context)
        self.service.copies.authority = self.authority
        self.service.copies.own_place = self.own_place

    def exchange(self, handler, failure):
        return lambda request, connection: self.weather.exchange(
            request, connection, handler, failure
        )

    def own_place(self, url):
        parts = urllib.parse.urlsplit(url)
        path = ["", *resolved(urllib.parse.unquote(parts.path)[1:]).split("/", 2)]
        origins = (self.listener.origin, self.encrypted.origin)
        if f"{parts.scheme}://{parts.netloc}" not in origins or len(path) != 4:
            return None
        return tuple(path[2:]) if path[1] == ACCOUNT and not parts.query else None

    def principal(self, role="contributor", rights=None, name=None):
        """Somebody new, with a server of his own for tokens."""
        principal = self.principals.add(ROLES[role] if rights is None else rights, name)
        handler = self.tokens.handler(principal)
        server = Listener(principal.name, self.exchange(handler, scripted_token_failure))
        token = self.tokens.workload_token(principal)
        return {
            "name": principal.name,
            "tenantID": principal.tenant,
            "objectID": principal.object_id,
            "clientID": principal.client_id,
            "clientSecret": principal.client_secret,
            "resourceID": resource_id(principal),
            "authorityHost": server.origin,
            "tokenURL": f"{server.origin}/{principal.tenant}/oauth2/v2.0/token",
            "federatedTokenFile": write_file(
                self.directory, f"{principal.name}-federated-token", token
            ),
            "instanceMetadata": server.origin,
            "identityEndpoint": f"{server.origin}/msi/token",
            "identityHeader": principal.identity_header,
        }

    def set_principal(self, name, rights=None, isDisabled=None, tokenSeconds=None):
        """Changes what somebody may do, or how long his new tokens live."""
        principal = self.principals.principals[name]
        if rights is not None:
            principal.rights = set(rights)
        if isDisabled is not None:
            principal.is_disabled = isDisabled
        if tokenSeconds is not None:
            principal.token_seconds = tokenSeconds
        return {}

    def access_token(self, name, seconds=3600, resource="https://storage.azure.com"):
        token, _ = self.principals.issue(self.principals.principals[name], resource, seconds)
        return {"token": token}

    def revoke(self, name):
        return {"count": self.principals.revoke(self.principals.principals[name])}

    def federated_token(self, name, seconds=3600, isForged=False):
        principal = self.principals.principals[name]
        return {"token": self.tokens.workload_token(principal, seconds, isForged)}

    def make_container(self, name=None):
        name = name or "bucket-" + secrets.token_hex(8)
        return {"bucket": self.store.make_container(name).name}

    def delegation_key(self, fields):
        """The secret of a key that was given out, from its other properties."""
        return {"value": self.principals.delegation_key(fields)}


def make(directory):
    oracle = Oracle(directory)
    key = base64.b64encode(oracle.account.key).decode()
    calls = Calls(oracle.endpoint, ACCOUNT, key, CONTAINER)
    older = OlderClient()
    operations = calls.operations() | {
        "principal": oracle.principal,
        "setPrincipal": oracle.set_principal,
        "accessToken": oracle.access_token,
        "revoke": oracle.revoke,
        "federatedToken": oracle.federated_token,
        "makeBucket": oracle.make_container,
        "delegationKey": oracle.delegation_key,
        "sign": lambda calls: {"tokens": older.sign(calls)},
    }
    operations |= oracle.weather.operations()
    description = {
        "endpoint": oracle.endpoint,
        "tlsEndpoint": f"{oracle.encrypted.origin}/{ACCOUNT}",
        "certificateAuthorityFile": oracle.authority,
        "bucket": CONTAINER,
        "azure": {
            "account": ACCOUNT,
            "accountKey": key,
            "admin": oracle.principal("contributor", name="admin"),
            "reader": oracle.principal("reader", name="reader"),
        },
    }
    return description, operations


if __name__ == "__main__":
    Program("azure", make).run()
