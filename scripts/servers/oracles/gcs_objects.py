"""Objects by the XML API: read, write, remove, copy."""

import base64
import binascii
import dataclasses
import gzip
import hashlib
import urllib.parse

from oracles.content import Unsatisfiable, cut, http_date, parsed_range, seconds_of, utc
from oracles.gcs_errors import GCSError, xml_response
from oracles.gcs_store import Attributes, check_name, crc_of, md5_text
from oracles.wire import Response

LARGEST = 5 * 1024**4
GZIP_PIECE = 1 << 20


def attributes_of(request):
    """What the headers of a write say; they are kept as they are."""
    metadata = {
        name.lower().removeprefix("x-goog-meta-"): value
        for name, value in request.headers
        if name.lower().startswith("x-goog-meta-")
    }
    return Attributes(
        request.header("content-type"), request.header("content-encoding"),
        request.header("content-language"), request.header("content-disposition"),
        request.header("cache-control"), request.header("x-goog-storage-class"),
        customer_key(request), metadata,
    )  # fmt: skip


def customer_key(request, prefix="x-goog-encryption-"):
    """The hash of the key that the client keeps, checked; None without one."""
    key, digest = request.header(prefix + "key"), request.header(prefix + "key-sha256")
    if key is None and digest is None:
        return None
    try:
        data = base64.b64decode(key or "", validate=True)
    except binascii.Error as error:
        raise GCSError("InvalidArgument", prefix + "key") from error
    actual = base64.b64encode(hashlib.sha256(data).digest()).decode()
    if request.header(prefix + "algorithm") != "AES256" or len(data) != 32 or actual != digest:
        raise GCSError("InvalidArgument", "The headers of the encryption key do not fit.")
    return digest


def check_customer_key(request, stored, prefix="x-goog-encryption-"):
    given = customer_key(request, prefix)
    wanted = stored.attributes.key_sha256
    if wanted is None and given is not None:
        raise GCSError("ResourceNotEncryptedWithCustomerEncryptionKey")
    if wanted is not None and given is None:
        raise GCSError("ResourceIsEncryptedWithCustomerEncryptionKey")
    if wanted != given:
        raise GCSError("CustomerEncryptionKeyIsIncorrect")


def number(text, name):
    if not text.isdecimal():
        raise GCSError("InvalidArgument", f"{name} is not a number.")
    return int(text)


def check_generations(request, stored, prefix="x-goog-if-"):
    """The conditions that hold for reads and writes alike (GC-07)."""
    wanted = request.header(prefix + "generation-match")
    if wanted is not None:
        if (stored.generation if stored else 0) != number(wanted, "generation"):
            raise GCSError("PreconditionFailed")
    wanted = request.header(prefix + "metageneration-match")
    if wanted is not None:
        if stored is None or stored.metageneration != number(wanted, "metageneration"):
            raise GCSError("PreconditionFailed")


def tags(text):
    return [tag.strip() for tag in text.split(",")]


def check_read_conditions(request, stored, prefix="if-"):
    """Whether the object is to be sent; False for 304. Conditions on tags hold for reads only."""
    wanted = request.header(prefix + "match")
    if wanted is not None:
        if wanted != "*" and stored.etag not in tags(wanted):
            raise GCSError("PreconditionFailed")
    elif (limit := seconds_of(request.header(prefix + "unmodified-since"))) is not None:
        if int(stored.updated) > limit:
            raise GCSError("PreconditionFailed")
    unwanted = request.header(prefix + "none-match")
    if unwanted is not None:
        return unwanted != "*" and stored.etag not in tags(unwanted)
    limit = seconds_of(request.header(prefix + "modified-since"))
    return limit is None or int(stored.updated) > limit


def check_digests(request):
    """Compares the body with what the client says of it; returns its MD5."""
    md5 = md5_text(request.body)
    given = request.header("content-md5")
    if given is not None and given != md5:
        raise GCSError("BadDigest", f"The MD5 you specified was {given}; we received {md5}.")
    for item in (request.header("x-goog-hash") or "").split(","):
        kind, _, value = item.strip().partition("=")
        if kind == "md5" and value != md5:
            raise GCSError("BadDigest", "md5")
        if kind == "crc32c" and value != crc_of([request.body]):
            raise GCSError("BadDigest", "crc32c")
        if kind not in ("", "md5", "crc32c"):
            raise GCSError("InvalidArgument", "x-goog-hash")
    return md5


def described(stored):
    """The headers that every answer about an object has."""
    headers = [
        ("ETag", stored.etag),
        ("x-goog-generation", str(stored.generation)),
        ("x-goog-metageneration", str(stored.metageneration)),
        ("x-goog-hash", f"crc32c={stored.crc32c}"),
    ]
    if stored.md5 is not None:
        headers.append(("x-goog-hash", f"md5={stored.md5}"))
    encoding = stored.attributes.content_encoding or "identity"
    headers.append(("x-goog-stored-content-encoding", encoding))
    headers.append(("x-goog-stored-content-length", str(stored.size)))
    return headers


class Objects:
    """The requests on one object."""

    def __init__(self, store):
        self.store = store

    def wanted(self, request, caller, place, permission):
        bucket, name = place
        caller.require(permission, f"{bucket}/{name}")
        generation = request.parameter("generation")
        if generation is not None:
            generation = number(generation, "generation")
        stored = self.store.find(bucket, name, generation)
        if stored is None:
            # Who may not list is not told that it is missing (GC-09).
            caller.require("storage.objects.list", bucket)
            raise GCSError("NoSuchKey", f"No such object: {bucket}/{name}")
        return stored

    def get(self, request, caller, place):
        stored = self.wanted(request, caller, place, "storage.objects.get")
        check_customer_key(request, stored)
        check_generations(request, stored)
        is_changed = check_read_conditions(request, stored)
        attributes = stored.attributes
        headers = described(stored) + [
            ("Content-Type", attributes.content_type or "application/octet-stream"),
            ("Last-Modified", http_date(stored.updated)),
            ("x-goog-storage-class", attributes.storage_class or "STANDARD"),
            ("Cache-Control", attributes.cache_control or "private, max-age=0"),
        ]
        if attributes.content_language:
            headers.append(("Content-Language", attributes.content_language))
        if attributes.content_disposition:
            headers.append(("Content-Disposition", attributes.content_disposition))
        for name, value in request.parameters():
            if name.startswith("response-"):
                headers = [pair for pair in headers if pair[0].lower() != name[9:].lower()]
                headers.append((name[9:], value))
        headers += [(f"x-goog-meta-{name}", text) for name, text in attributes.metadata.items()]
        if not is_changed:
            return Response(304, headers)
        if is_transcoded(request, attributes):
            return transcoded(request, stored, headers)
        if attributes.content_encoding:
            headers.append(("Content-Encoding", attributes.content_encoding))
        headers.append(("Accept-Ranges", "bytes"))
        return self.ranged(request, stored, headers)

    def ranged(self, request, stored, headers):
        try:
            chosen = parsed_range(request.header("range"), stored.size)
        except Unsatisfiable:
            error = GCSError("InvalidRange", Content_Range=f"bytes */{stored.size}")
            raise error from None
        if chosen is None:
            start, end, status = 0, stored.size, 200
        else:
            start, end, status = *chosen, 206
            headers.append(("Content-Range", f"bytes {start}-{end - 1}/{stored.size}"))
        response = Response(status, headers, cut(stored.pieces, start, end))
        if request.method == "HEAD":
            response.pieces, response.declared_length = [], end - start
        return response

    def put(self, request, caller, place):
        bucket, name = place
        check_name(name)
        if request.header("x-goog-copy-source") is not None:
            return self.copy(request, caller, place)
        caller.require("storage.objects.create", f"{bucket}/{name}")
        if request.header("content-length") is None and not request.is_chunked:
            raise GCSError("InvalidArgument", "Content-Length is missing.")
        md5 = check_digests(request)
        stored = self.store.put(
            bucket, name, [bytes(request.body)], attributes_of(request),
            self.write_check(request, caller, place), md5,
        )  # fmt: skip
        return Response(200, described(stored) + [("Content-Type", "text/html; charset=UTF-8")])

    def write_check(self, request, caller, place):
        def check(old):
            check_generations(request, old)
            if old is not None:
                # To replace is to delete.
                caller.require("storage.objects.delete", "/".join(place))

        return check

    def delete(self, request, caller, place):
        caller.require("storage.objects.delete", "/".join(place))
        generation = request.parameter("generation")
        if generation is not None:
            generation = number(generation, "generation")
        self.store.delete(*place, generation, lambda old: check_generations(request, old))
        return Response(204)

    def copy(self, request, caller, place):
        if len(request.body) > 0:
            raise GCSError("InvalidArgument", "A copy has no body.")
        text = urllib.parse.unquote(request.header("x-goog-copy-source")).removeprefix("/")
        bucket, slash, name = text.partition("/")
        if not slash or not name:
            raise GCSError("InvalidArgument", "x-goog-copy-source")
        caller.require("storage.objects.get", text)
        caller.require("storage.objects.create", "/".join(place))
        generation = request.header("x-goog-copy-source-generation")
        if generation is not None:
            generation = number(generation, "generation")
        source = self.store.find(bucket, name, generation)
        if source is None:
            raise GCSError("NoSuchKey", f"No such object: {text}")
        prefix = "x-goog-copy-source-if-"
        check_generations(request, source, prefix)
        if not check_read_conditions(request, source, prefix):
            raise GCSError("PreconditionFailed", "The source is as it was.")
        directive = request.header("x-goog-metadata-directive", "COPY")
        if directive not in ("COPY", "REPLACE"):
            raise GCSError("InvalidArgument", "x-goog-metadata-directive")
        check_customer_key(request, source, "x-goog-copy-source-encryption-")
        if directive == "COPY" and (bucket, name) == place:
            raise GCSError("InvalidArgument", "A copy onto itself needs REPLACE.")
        attributes = attributes_of(request)
        if directive == "COPY":
            attributes = copied(source.attributes, attributes)
        stored = self.store.put(
            *place, source.pieces, attributes, self.write_check(request, caller, place),
            source.md5, source.etag,
        )  # fmt: skip
        response = xml_response(
            "<?xml version='1.0' encoding='UTF-8'?>"
            "<CopyObjectResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>"
            f"<LastModified>{utc(stored.updated)}</LastModified><ETag>{stored.etag}</ETag>"
            "</CopyObjectResult>"
        )
        response.headers += described(stored)
        response.headers.append(("x-goog-copy-source-generation", str(source.generation)))
        return response


def copied(source, wanted):
    """What a copy has without being told otherwise: all but how and where it is stored."""
    return dataclasses.replace(
        source, storage_class=wanted.storage_class, key_sha256=wanted.key_sha256
    )


def is_transcoded(request, attributes):
    """Whether the service unpacks it, because the client does not say it could (GC-02)."""
    if attributes.content_encoding != "gzip" or "no-transform" in (attributes.cache_control or ""):
        return False
    accepted = [
        item.split(";")[0].strip().lower()
        for item in request.header("accept-encoding", "").split(",")
    ]
    return "gzip" not in accepted


def transcoded(request, stored, headers):
    """The whole content unpacked, whatever range was asked for, of a length that is not told."""
    try:
        body = gzip.decompress(b"".join(stored.pieces))
    except (OSError, EOFError) as error:
        raise GCSError("ServiceUnavailable", "It is not gzip.") from error
    headers.append(("Warning", "214 UploadServer gunzipped"))
    headers.append(("Vary", "Accept-Encoding"))
    pieces = [body[start : start + GZIP_PIECE] for start in range(0, len(body), GZIP_PIECE)]
    return Response(200, headers, [] if request.method == "HEAD" else pieces, is_chunked=True)
