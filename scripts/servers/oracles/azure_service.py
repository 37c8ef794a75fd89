"""The Blob service: finds out what a request wants, of whom, and under which name."""

import calendar
import re
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

from oracles import azure_batch
from oracles.azure_auth import caller
from oracles.azure_blobs import Blobs
from oracles.azure_blocks import Blocks
from oracles.azure_containers import Containers
from oracles.azure_copy import Copies
from oracles.azure_errors import AzureError, bad_header, with_identifiers, xml_response
from oracles.azure_sas import LONGEST_SECONDS
from oracles.content import utc

NAME_LIMIT = 1024
VERSION = re.compile(r"20[0-3]\d-\d\d-\d\d")
NEWEST = "2026-10-06"


class BlobService:
    def __init__(self, store, account, directory):
        self.store = store
        self.account = account
        self.directory = directory
        self.blobs = Blobs(store)
        self.blocks = Blocks(self.blobs)
        self.copies = Copies(self.blobs, self.blocks)
        self.containers = Containers(store)

    def answer(self, request, version=None):
        try:
            response = self.routed(request, version)
        except AzureError as error:
            response = error.response()
        return with_identifiers(request, response)

    def place(self, request):
        """Container and blob, decoded; empty where they are not named (AZ-01).

        The account is the first part of the path, or of the host's name.
        """
        host = (request.header("host") or "").lower()
        try:
            path = urllib.parse.unquote(request.path, errors="strict")[1:]
        except UnicodeDecodeError as error:
            raise AzureError("InvalidUri") from error
        # The service takes both slashes for one and resolves dots, before it looks at signatures.
        path = resolved(path)
        if not host.startswith(self.account.name + "."):
            account, _, path = path.partition("/")
            if account != self.account.name:
                raise AzureError("ResourceNotFound")
        container, _, blob = path.partition("/")
        if len(blob) > NAME_LIMIT:
            raise AzureError("InvalidUri")
        return container, blob

    def routed(self, request, version):
        given = version or request.header("x-ms-version")
        if given is not None and not (VERSION.fullmatch(given) and given <= NEWEST):
            raise bad_header("x-ms-version", given)
        place = self.place(request)
        who = caller(request, self.account, self.directory, place, version)
        if request.is_chunked:
            raise AzureError("MissingContentLengthHeader")
        if request.method in ("PUT", "POST") and request.header("content-length") is None:
            raise AzureError("MissingContentLengthHeader")
        if place[1]:
            self.store.container(place[0])
            return self.on_blob(request, who, place)
        return self.on_container(request, who, place[0])

    def on_container(self, request, who, name):
        kind, wanted = request.parameter("restype"), request.parameter("comp")
        if request.method == "POST" and wanted == "batch":
            version = request.header("x-ms-version") or who.parts.get("sv")
            # A part is a request on a blob, and nothing else.
            return azure_batch.answer_batch(request, lambda part: self.batched(part, version))
        if request.method == "POST" and (kind, wanted) == ("service", "userdelegationkey"):
            return self.delegation_key(request, who)
        if not name or kind != "container":
            raise AzureError("InvalidUri" if name else "UnsupportedQueryParameter")
        action = {
            ("PUT", None): self.containers.make, ("DELETE", None): self.containers.delete,
            ("GET", None): self.containers.head, ("HEAD", None): self.containers.head,
            ("GET", "list"): self.containers.list,
        }.get((request.method, wanted))  # fmt: skip
        if action is None:
            raise AzureError("UnsupportedHttpVerb")
        return action(request, who, name)

    def batched(self, part, version):
        if part.method != "DELETE":
            return AzureError("InvalidInput").response()
        return self.answer(part, version)

    def on_blob(self, request, who, place):
        action = self.blob_action(request)
        if action is None:
            raise AzureError("UnsupportedHttpVerb")
        return action(request, who, place)

    def blob_action(self, request):
        wanted = request.parameter("comp")
        is_copy = request.header("x-ms-copy-source") is not None
        if request.method == "PUT" and is_copy and wanted in (None, "block"):
            if wanted is None and request.header("x-ms-blob-type") is not None:
                return self.copies.put
            return self.copies.put_block if wanted else self.copies.copy
        return {
            ("GET", None): self.blobs.get, ("HEAD", None): self.blobs.get,
            ("GET", "blocklist"): self.blocks.list, ("DELETE", None): self.blobs.delete,
            ("PUT", None): self.blobs.put, ("PUT", "block"): self.blocks.put,
            ("PUT", "blocklist"): self.blocks.commit,
            ("PUT", "metadata"): self.blobs.set_metadata,
            ("PUT", "tier"): self.blobs.set_tier, ("PUT", "snapshot"): self.blobs.snapshot,
        }.get((request.method, wanted))  # fmt: skip

    def delegation_key(self, request, who):
        """Get User Delegation Key: only for users, for seven days at most (AZ-13)."""
        if who.kind != "token":
            raise AzureError("AuthenticationFailed")
        if "delegate" not in who.principal.rights:
            raise AzureError("AuthorizationPermissionMismatch")
        try:
            root = ElementTree.fromstring(bytes(request.body))
            start, end = (moment(root.findtext(name)) for name in ("Start", "Expiry"))
        except (ElementTree.ParseError, TypeError, ValueError) as error:
            raise AzureError("InvalidXmlDocument") from error
        now = time.time()
        if not start < end or end <= now or max(start, now) + LONGEST_SECONDS + 60 < end:
            raise AzureError("InvalidXmlDocument")
        values = {
            "skoid": who.principal.object_id, "sktid": who.principal.tenant,
            "skt": utc(start, ""), "ske": utc(end, ""), "sks": "b",
            "skv": request.header("x-ms-version"),
        }  # fmt: skip
        elements = {
            "SignedOid": values["skoid"], "SignedTid": values["sktid"],
            "SignedStart": values["skt"], "SignedExpiry": values["ske"],
            "SignedService": values["sks"], "SignedVersion": values["skv"],
            "Value": self.directory.delegation_key(values),
        }  # fmt: skip
        text = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
        return xml_response(f"<UserDelegationKey>{text}</UserDelegationKey>")


def resolved(path):
    """The path as the service has it: of slashes only, and without segments of dots."""
    kept = []
    parts = path.replace("\\", "/").split("/")
    for number, part in enumerate(parts):
        if part == "..":
            kept = kept[:-1]
        if part not in (".", ".."):
            kept.append(part)
        elif number == len(parts) - 1:
            kept.append("")
    return "/".join(kept)


def moment(text):
    return calendar.timegm(time.strptime(re.sub(r"\.\d+Z$", "Z", text), "%Y-%m-%dT%H:%M:%SZ"))
