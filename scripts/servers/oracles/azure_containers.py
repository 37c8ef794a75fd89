"""Containers, and lists of what is in them."""

import base64
import binascii
import re
import urllib.parse
from xml.sax.saxutils import escape

from oracles.azure_errors import AzureError, bad_query, xml_response
from oracles.content import http_date
from oracles.gcs_list import page_of
from oracles.wire import Response

NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")
MOST = 5000
# What XML cannot carry is told percent-encoded.
UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def check_name(name):
    if not NAME.fullmatch(name) or len(name) > 63:
        raise AzureError("InvalidResourceName")


class Containers:
    def __init__(self, store):
        self.store = store

    def make(self, request, caller, name):
        caller.require("container-create")
        check_name(name)
        return self.described(self.store.make_container(name), 201)

    def delete(self, request, caller, name):
        caller.require("container-delete")
        with self.store.lock:
            self.store.container(name)
            del self.store.containers[name]
        return Response(202)

    def head(self, request, caller, name):
        caller.require("container-read")
        return self.described(self.store.container(name), 200)

    def described(self, container, status):
        updated = http_date(container.updated)
        return Response(status, [("ETag", container.etag), ("Last-Modified", updated)])

    def list(self, request, caller, name):
        """List Blobs, flat or with a delimiter."""
        caller.require("list")
        prefix, delimiter = request.parameter("prefix", ""), request.parameter("delimiter", "")
        marker, text = request.parameter("marker", ""), request.parameter("maxresults")
        most = MOST
        if text is not None:
            if not text.isdecimal() or int(text) == 0:
                raise bad_query("maxresults", text)
            most = min(int(text), MOST)
        included = set(filter(None, request.parameter("include", "").split(",")))
        if unknown := included - {"metadata", "uncommittedblobs", "copy", "tags", "versions"}:
            raise bad_query("include", ",".join(unknown))
        page, last = self.page(name, prefix, delimiter, marker, most, included)
        root = f"http://{request.header('host')}/"
        xml = f'<EnumerationResults ServiceEndpoint="{escape(root)}" ContainerName="{name}">'
        for tag, value in (("Prefix", prefix), ("Marker", marker), ("Delimiter", delimiter)):
            if value:
                xml += f"<{tag}>{escape(value)}</{tag}>"
        if text is not None:
            xml += f"<MaxResults>{most}</MaxResults>"
        xml += "<Blobs>"
        for entry, is_prefix in page:
            if is_prefix:
                xml += f"<BlobPrefix>{named(entry)}</BlobPrefix>"
            else:
                xml += self.told(name, entry, "metadata" in included)
        following = encoded_marker(last) if last is not None else ""
        xml += f"</Blobs><NextMarker>{following}</NextMarker></EnumerationResults>"
        return xml_response(xml)

    def page(self, name, prefix, delimiter, marker, most, included):
        names = self.store.names(name, prefix)
        if "uncommittedblobs" in included:
            with self.store.lock:
                more = self.store.container(name).uncommitted
                names = {*names, *(one for one in more if one.startswith(prefix))}
            names = sorted(names, key=lambda one: one.encode())
        after = decoded_marker(marker) if marker else None
        return page_of(names, prefix, delimiter, after, most)

    def told(self, container, name, with_metadata):
        stored = self.store.find(container, name)
        if stored is None:
            properties = "<Content-Length>0</Content-Length><BlobType>BlockBlob</BlobType>"
            return f"<Blob>{named(name)}<Properties>{properties}</Properties></Blob>"
        updated, created = http_date(stored.updated), http_date(stored.created)
        xml = f"<Blob>{named(name)}<Properties><Creation-Time>{created}</Creation-Time>"
        xml += f"<Last-Modified>{updated}</Last-Modified><Etag>{stored.etag.strip(chr(34))}</Etag>"
        xml += f"<Content-Length>{stored.size}</Content-Length>"
        xml += f"<Content-Type>{escape(stored.properties.content_type)}</Content-Type>"
        encoding = escape(stored.properties.content_encoding or "")
        xml += f"<Content-Encoding>{encoding}</Content-Encoding>"
        xml += f"<Content-MD5>{stored.properties.content_md5 or ''}</Content-MD5>"
        xml += f"<BlobType>BlockBlob</BlobType><AccessTier>{stored.tier}</AccessTier>"
        xml += "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
        xml += "<ServerEncrypted>true</ServerEncrypted></Properties>"
        if with_metadata:
            xml += "<Metadata>"
            for key, value in stored.metadata.items():
                xml += f"<{key}>{escape(value)}</{key}>"
            xml += "</Metadata>"
        return xml + "</Blob>"


def named(name):
    if UNSPEAKABLE.search(name):
        return f'<Name Encoded="true">{urllib.parse.quote(name, safe="")}</Name>'
    return f"<Name>{escape(name)}</Name>"


def encoded_marker(name):
    return "2!" + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def decoded_marker(text):
    try:
        if not text.startswith("2!"):
            raise ValueError
        padded = text[2:] + "=" * (-len(text[2:]) % 4)
        return base64.urlsafe_b64decode(padded).decode()
    except (ValueError, binascii.Error) as error:
        raise bad_query("marker", text) from error
