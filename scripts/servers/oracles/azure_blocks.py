"""Blobs in blocks: put them, commit a list of them, tell which there are.

Blocks that were put belong to the blob and not to an upload: whoever commits takes those that it
names, and forgets all others (AZ-08).
"""

import base64
import binascii
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

from oracles.azure_blobs import written
from oracles.azure_conditions import check_digests, metadata_of, properties_of
from oracles.azure_errors import AzureError, bad_query, xml_response
from oracles.wire import Response

LARGEST_BLOCK = 4000 * 1024**2
LONGEST_IDENTIFIER = 64
MOST_UNCOMMITTED = 100_000
MOST_COMMITTED = 50_000
KINDS = ("Latest", "Committed", "Uncommitted")


def checked_identifier(request):
    text = request.parameter("blockid")
    if text is None:
        raise AzureError("MissingRequiredQueryParameter", QueryParameterName="blockid")
    try:
        decoded = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise bad_query("blockid", text) from error
    if not 0 < len(decoded) <= LONGEST_IDENTIFIER:
        raise bad_query("blockid", text)
    return text


class Blocks:
    def __init__(self, blobs):
        self.blobs = blobs
        self.store = blobs.store

    def put(self, request, caller, place):
        """Put Block. Only `w` allows it: `c` is for whole blobs."""
        caller.require("write")
        identifier = checked_identifier(request)
        if len(request.body) == 0:
            # AZ-09: the service takes no block of nothing.
            raise AzureError("InvalidHeaderValue", HeaderName="Content-Length", HeaderValue="0")
        answered = check_digests(request)
        self.keep(place, identifier, bytes(request.body))
        return Response(201, [answered, ("x-ms-request-server-encrypted", "true")])

    def keep(self, place, identifier, body):
        if len(body) > LARGEST_BLOCK:
            raise AzureError("RequestBodyTooLarge")
        with self.store.lock:
            blocks = self.store.container(place[0]).uncommitted.setdefault(place[1], {})
            # AZ-05: one length for all identifiers of a blob.
            if any(len(other) != len(identifier) for other in blocks):
                raise AzureError("InvalidBlobOrBlock")
            if len(blocks) >= MOST_UNCOMMITTED and identifier not in blocks:
                raise AzureError("BlockCountExceedsLimit")
            blocks[identifier] = body

    def commit(self, request, caller, place):
        """Put Block List."""
        answered = check_digests(request)
        wanted = listed(bytes(request.body))
        properties, metadata = properties_of(request), metadata_of(request)
        with self.store.lock:
            container = self.store.container(place[0])
            old = container.blobs.get(place[1])
            self.blobs.write_check(request, caller)(old)
            uncommitted = container.uncommitted.get(place[1], {})
            committed = committed_blocks(old)
            pieces = []
            for kind, identifier in wanted:
                piece = uncommitted.get(identifier) if kind != "Committed" else None
                if piece is None and kind != "Uncommitted":
                    piece = committed.get(identifier)
                if piece is None:
                    raise AzureError("InvalidBlockList")
                pieces.append(piece)
            blocks = [(identifier, len(piece)) for (_, identifier), piece in zip(wanted, pieces)]
            stored = self.store.put(
                place, lambda _: None, pieces, properties, metadata, blocks
            )
        response = written(stored)
        response.headers.append(answered)
        return response

    def list(self, request, caller, place):
        caller.require("read")
        kind = request.parameter("blocklisttype", "committed")
        if kind not in ("committed", "uncommitted", "all"):
            raise bad_query("blocklisttype", kind)
        with self.store.lock:
            container = self.store.container(place[0])
            stored = container.blobs.get(place[1])
            uncommitted = dict(container.uncommitted.get(place[1], {}))
        if stored is None and not uncommitted:
            raise AzureError("BlobNotFound")
        text = "<BlockList>"
        if kind != "uncommitted":
            text += told("CommittedBlocks", stored.blocks if stored else [])
        if kind != "committed":
            sizes = sorted((name, len(body)) for name, body in uncommitted.items())
            text += told("UncommittedBlocks", sizes)
        response = xml_response(text + "</BlockList>")
        response.headers.append(("x-ms-blob-content-length", str(stored.size if stored else 0)))
        if stored:
            response.headers.append(("ETag", stored.etag))
        return response


def told(name, blocks):
    text = "".join(
        f"<Block><Name>{escape(identifier)}</Name><Size>{size}</Size></Block>"
        for identifier, size in blocks
    )
    return f"<{name}>{text}</{name}>"


def committed_blocks(stored):
    """The blocks of the last commit; a blob that was put whole has none."""
    if stored is None or not stored.blocks:
        return {}
    return {identifier: piece for (identifier, _), piece in zip(stored.blocks, stored.pieces)}


def listed(body):
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise AzureError("InvalidXmlDocument") from error
    if root.tag != "BlockList" or any(child.tag not in KINDS for child in root):
        raise AzureError("InvalidXmlDocument")
    wanted = [(child.tag, (child.text or "").strip()) for child in root]
    if len(wanted) > MOST_COMMITTED:
        raise AzureError("BlockListTooLong")
    for _, identifier in wanted:
        try:
            base64.b64decode(identifier, validate=True)
        except (ValueError, binascii.Error) as error:
            raise AzureError("InvalidBlockId") from error
    return wanted
