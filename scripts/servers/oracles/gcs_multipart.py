"""Uploads in parts by the XML API."""

import base64
import secrets
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

from oracles.content import utc
from oracles.gcs_errors import GCSError, xml_response
from oracles.gcs_objects import attributes_of, check_digests, customer_key, number
from oracles.gcs_store import Part, Upload, check_name, crc_of
from oracles.wire import Response

SMALLEST_PART = 5 * 1024**2
LARGEST_PART = 5 * 1024**3
LARGEST_OBJECT = 5 * 1024**4
MOST_PARTS = 10_000
HEAD = "<?xml version='1.0' encoding='UTF-8'?>"
SPACE = "xmlns='http://s3.amazonaws.com/doc/2006-03-01/'"


class Multipart:
    """The requests that name an upload, or make one."""

    def __init__(self, store):
        self.store = store

    def start(self, request, caller, place):
        refuse_conditions(request)
        bucket, name = place
        check_name(name)
        caller.require("storage.multipartUploads.create", f"{bucket}/{name}")
        caller.require("storage.objects.create", f"{bucket}/{name}")
        if len(request.body) > 0:
            raise GCSError("InvalidArgument", "The request that starts an upload has no body.")
        upload = Upload(secrets.token_urlsafe(48), bucket, name, attributes_of(request))
        with self.store.lock:
            self.store.bucket(bucket).uploads[upload.identifier] = upload
        return xml_response(
            f"{HEAD}<InitiateMultipartUploadResult {SPACE}><Bucket>{escape(bucket)}</Bucket>"
            f"<Key>{escape(name)}</Key><UploadId>{upload.identifier}</UploadId>"
            "</InitiateMultipartUploadResult>"
        )

    def put_part(self, request, caller, place):
        refuse_conditions(request)
        caller.require("storage.multipartUploads.create", "/".join(place))
        caller.require("storage.objects.create", "/".join(place))
        index = number(request.parameter("partNumber"), "partNumber")
        if not 1 <= index <= MOST_PARTS:
            raise GCSError("InvalidArgument", "Part number must be between 1 and 10000.")
        if len(request.body) > LARGEST_PART:
            raise GCSError("EntityTooLarge")
        upload = self.store.upload(*place, request.parameter("uploadId"))
        if customer_key(request) != upload.attributes.key_sha256:
            raise GCSError("CustomerEncryptionKeyIsIncorrect", "That of the upload is wanted.")
        md5 = check_digests(request)
        etag = f'"{base64.b64decode(md5).hex()}"'
        body = bytes(request.body)
        with self.store.lock:
            # Again, because it may have ended meanwhile.
            upload = self.store.upload(*place, request.parameter("uploadId"))
            upload.parts[index] = Part(body, etag)
        hashes = [("x-goog-hash", f"crc32c={crc_of([body])}"), ("x-goog-hash", f"md5={md5}")]
        return Response(200, [("ETag", etag), *hashes])

    def complete(self, request, caller, place):
        refuse_conditions(request)
        caller.require("storage.multipartUploads.create", "/".join(place))
        caller.require("storage.objects.create", "/".join(place))
        wanted = parts_of(bytes(request.body))
        with self.store.lock:
            upload = self.store.upload(*place, request.parameter("uploadId"))
            if self.store.find(*place) is not None:
                caller.require("storage.objects.delete", "/".join(place))
            parts = chosen_parts(upload, wanted)
            # Not an MD5 of anything: Google's says only that the object is this one.
            etag = '"' + base64.b64encode(secrets.token_bytes(9)).decode() + '"'
            stored = self.store.put(
                *place, [part.piece for part in parts], upload.attributes, lambda _: None,
                None, etag,
            )  # fmt: skip
            del self.store.bucket(place[0]).uploads[upload.identifier]
        response = xml_response(
            f"{HEAD}<CompleteMultipartUploadResult {SPACE}>"
            f"<Location>http://storage.googleapis.com/{escape('/'.join(place))}</Location>"
            f"<Bucket>{escape(place[0])}</Bucket><Key>{escape(place[1])}</Key>"
            f"<ETag>{stored.etag}</ETag></CompleteMultipartUploadResult>"
        )
        response.headers.append(("x-goog-generation", str(stored.generation)))
        response.headers.append(("x-goog-hash", f"crc32c={stored.crc32c}"))
        return response

    def abort(self, request, caller, place):
        caller.require("storage.multipartUploads.abort", "/".join(place))
        with self.store.lock:
            upload = self.store.upload(*place, request.parameter("uploadId"))
            del self.store.bucket(place[0]).uploads[upload.identifier]
        return Response(204)

    def list_parts(self, request, caller, place):
        caller.require("storage.multipartUploads.listParts", "/".join(place))
        after = number(request.parameter("part-number-marker", "0"), "part-number-marker")
        most = min(number(request.parameter("max-parts", "1000"), "max-parts"), 1000)
        with self.store.lock:
            upload = self.store.upload(*place, request.parameter("uploadId"))
            parts = sorted(pair for pair in upload.parts.items() if pair[0] > after)
        page = parts[:most]
        text = f"{HEAD}<ListPartsResult {SPACE}><Bucket>{escape(place[0])}</Bucket>"
        text += f"<Key>{escape(place[1])}</Key><UploadId>{upload.identifier}</UploadId>"
        text += f"<PartNumberMarker>{after}</PartNumberMarker><MaxParts>{most}</MaxParts>"
        if len(parts) > len(page):
            text += f"<NextPartNumberMarker>{page[-1][0]}</NextPartNumberMarker>"
        text += f"<IsTruncated>{str(len(parts) > len(page)).lower()}</IsTruncated>"
        for index, part in page:
            text += f"<Part><PartNumber>{index}</PartNumber><ETag>{escape(part.etag)}</ETag>"
            text += f"<LastModified>{utc(part.updated)}</LastModified>"
            text += f"<Size>{len(part.piece)}</Size></Part>"
        return xml_response(text + "</ListPartsResult>")

    def list_uploads(self, request, caller, bucket):
        caller.require("storage.multipartUploads.list", bucket)
        prefix = request.parameter("prefix", "")
        with self.store.lock:
            uploads = list(self.store.bucket(bucket).uploads.values())
        text = f"{HEAD}<ListMultipartUploadsResult {SPACE}><Bucket>{escape(bucket)}</Bucket>"
        text += "<IsTruncated>false</IsTruncated>"
        for upload in sorted(uploads, key=lambda one: (one.name, one.identifier)):
            if upload.name.startswith(prefix):
                text += f"<Upload><Key>{escape(upload.name)}</Key>"
                text += f"<UploadId>{upload.identifier}</UploadId></Upload>"
        return xml_response(text + "</ListMultipartUploadsResult>")


def refuse_conditions(request):
    """GC-07: "Preconditions cannot be used in XML API multipart uploads"."""
    for name, _ in request.headers:
        if name.lower().startswith(("x-goog-if-", "if-")):
            raise GCSError("NotImplemented", name)


def local(element):
    return element.tag.rpartition("}")[2]


def parts_of(body):
    """Numbers and tags as the client lists them."""
    if b"&quot;" in body:
        # The service takes the tags as they stand and does not resolve this entity.
        raise GCSError("InvalidPart", "The entity tag has &quot; in it.")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise GCSError("InvalidArgument", f"The XML is malformed: {error}") from error
    parts = []
    for element in root:
        fields = {local(child): (child.text or "").strip() for child in element}
        if local(element) != "Part" or not {"PartNumber", "ETag"} <= set(fields):
            raise GCSError("InvalidArgument", "A part lacks its number or tag.")
        parts.append((number(fields["PartNumber"], "PartNumber"), fields["ETag"].strip('"')))
    if local(root) != "CompleteMultipartUpload" or not parts:
        raise GCSError("InvalidArgument", "No parts were listed.")
    return parts


def chosen_parts(upload, wanted):
    """The listed parts, which must be there, in order, and long enough."""
    numbers = [index for index, _ in wanted]
    if any(low >= high for low, high in zip(numbers, numbers[1:])):
        raise GCSError("InvalidPartOrder")
    parts = []
    for index, etag in wanted:
        part = upload.parts.get(index)
        if part is None or part.etag.strip('"') != etag:
            raise GCSError("InvalidPart", f"Part {index}")
        parts.append(part)
    if any(len(part.piece) < SMALLEST_PART for part in parts[:-1]):
        raise GCSError("EntityTooSmall")
    if sum(len(part.piece) for part in parts) > LARGEST_OBJECT:
        raise GCSError("EntityTooLarge")
    return parts
