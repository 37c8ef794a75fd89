"""As much of the JSON API as Google's own client needs to read and write what we wrote and read."""

import base64
import email.parser
import email.policy
import json
import urllib.parse

from oracles.content import utc
from oracles.gcs_auth import caller
from oracles.gcs_errors import GCSError, json_response
from oracles.gcs_list import page_of
from oracles.gcs_objects import Objects, check_generations, customer_key, number
from oracles.gcs_resumable import Resumable
from oracles.gcs_rewrite import Rewrites
from oracles.gcs_store import Attributes, check_name, md5_text

PREFIXES = {
    "/storage/v1/b/": "metadata",
    "/upload/storage/v1/b/": "upload",
    "/download/storage/v1/b/": "download",
}
FIELDS = {
    "contentType": "content_type", "contentEncoding": "content_encoding",
    "contentLanguage": "content_language", "contentDisposition": "content_disposition",
    "cacheControl": "cache_control", "storageClass": "storage_class", "metadata": "metadata",
}  # fmt: skip


class JSONService:
    def __init__(self, store, directory):
        self.store = store
        self.directory = directory
        self.objects = Objects(store)
        self.resumable = Resumable(store)
        self.rewrites = Rewrites(store, self.objects)

    def answer(self, request):
        try:
            return self.routed(request)
        except GCSError as error:
            status = 401 if error.code == "AccessDenied" and is_anonymous(request) else error.status
            document = {"code": status, "message": f"{error.message} {error.details}"}
            return json_response({"error": document}, status)

    def routed(self, request):
        if request.parameter("upload_id") is not None:
            return self.proceed(request)
        who = caller(request, self.directory)
        prefix = next(prefix for prefix in PREFIXES if request.path.startswith(prefix))
        rest = request.path.removeprefix(prefix)
        words = [urllib.parse.unquote(word) for word in rest.split("/")]
        as_conditions(request)
        kind = PREFIXES[prefix]
        if kind == "upload" and request.method == "POST" and words[1:] == ["o"]:
            return self.insert(request, who, words[0])
        if len(words) == 1 and request.method == "GET":
            who.require("storage.buckets.get", words[0])
            return json_response({"name": self.store.bucket(words[0]).name})
        if words[1:] == ["o"] and request.method == "GET":
            return self.list(request, who, words[0])
        if words[1:2] == ["o"] and words[3:5] == ["rewriteTo", "b"] and words[6:7] == ["o"]:
            if request.method != "POST" or len(words) != 8:
                raise GCSError("MethodNotAllowed")
            attributes = attributes_in(json.loads(bytes(request.body) or b"{}"))
            places = (words[0], words[2]), (words[5], words[7])
            document = self.rewrites.call(request, who, *places, attributes)
            if isinstance(document, dict):
                return json_response(document)
            done = {"kind": "storage#rewriteResponse", "done": True, "objectSize": str(document.size)}
            done |= {"totalBytesRewritten": str(document.size)}
            return json_response(done | {"resource": resource(places[1][0], document)})
        place = (words[0], words[2]) if len(words) >= 3 and words[1] == "o" else None
        if place is None or len(words) > 3:
            raise GCSError("MethodNotAllowed")
        if request.method == "DELETE":
            return self.objects.delete(request, who, place)
        if request.method != "GET":
            raise GCSError("MethodNotAllowed")
        if kind == "download" or request.parameter("alt") == "media":
            return self.objects.get(request, who, place)
        stored = self.objects.wanted(request, who, place, "storage.objects.get")
        check_generations(request, stored)
        return json_response(resource(words[0], stored))

    def insert(self, request, who, bucket):
        if request.parameter("uploadType") == "resumable":
            document = json.loads(bytes(request.body) or b"{}")
            name = document.get("name") or request.parameter("name")
            content_type = request.header("x-upload-content-type")
            attributes = attributes_in(document, content_type) or Attributes(content_type)
            attributes.key_sha256 = customer_key(request)
            check = self.objects.write_check(request, who, (bucket, name))
            return self.resumable.start(request, who, (bucket, name), attributes, check)
        if request.parameter("uploadType") == "multipart":
            document, body, content_type = related(request)
        else:
            document, body = {"name": request.parameter("name")}, bytes(request.body)
            content_type = request.header("content-type")
        attributes = attributes_in(document, content_type) or Attributes(content_type)
        attributes.key_sha256 = customer_key(request)
        place = (bucket, document["name"])
        check_name(place[1])
        who.require("storage.objects.create", "/".join(place))
        stored = self.store.put(
            *place, [body], attributes, self.objects.write_check(request, who, place),
            md5_text(body),
        )  # fmt: skip
        for name, value in (("md5Hash", stored.md5), ("crc32c", stored.crc32c)):
            if document.get(name, value) != value:
                raise GCSError("BadDigest", name)
        return json_response(resource(bucket, stored))

    def proceed(self, request):
        response = self.resumable.proceed(request)
        session = self.store.sessions.get(request.parameter("upload_id"))
        if session is None or session.stored is None:
            return response
        return json_response(resource(session.bucket, session.stored))

    def list(self, request, who, bucket):
        who.require("storage.objects.list", bucket)
        prefix, delimiter = request.parameter("prefix", ""), request.parameter("delimiter", "")
        most = min(number(request.parameter("maxResults", "1000"), "maxResults"), 1000)
        names = self.store.names(bucket, prefix)
        page, last = page_of(names, prefix, delimiter, request.parameter("pageToken"), most)
        found = [self.store.find(bucket, name) for name, is_prefix in page if not is_prefix]
        document = {
            "kind": "storage#objects",
            "items": [resource(bucket, stored) for stored in found if stored],
            "prefixes": [name for name, is_prefix in page if is_prefix],
        }
        return json_response(document | ({"nextPageToken": last} if last else {}))


def attributes_in(document, content_type=None):
    """What a document says of an object; None when it says nothing."""
    values = {
        FIELDS[name]: value
        for name, value in document.items()
        if name in FIELDS and value is not None
    }
    return Attributes(**({"content_type": content_type} | values)) if values else None


def is_anonymous(request):
    return request.header("authorization") is None


def as_conditions(request):
    """The conditions of the JSON API are parameters; those of the XML API are headers."""
    for name, header in (
        ("ifGenerationMatch", "x-goog-if-generation-match"),
        ("ifMetagenerationMatch", "x-goog-if-metageneration-match"),
        ("ifSourceGenerationMatch", "x-goog-copy-source-if-generation-match"),
    ):
        if (value := request.parameter(name)) is not None:
            request.headers.append((header, value))


def related(request):
    """The two parts of an upload: what is said of the object, and its content."""
    head = f"Content-Type: {request.header('content-type')}\r\n\r\n".encode()
    body = bytes(request.body)
    boundary = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head).get_boundary()
    pieces = body.split(b"--" + boundary.encode())
    if len(pieces) != 4:
        raise GCSError("InvalidArgument", "Two parts are wanted.")
    (_, _, text), (kind, _, content) = (
        piece.removeprefix(b"\r\n").partition(b"\r\n\r\n") for piece in pieces[1:3]
    )
    content_type = kind.decode().partition(":")[2].strip()
    return json.loads(text), content.removesuffix(b"\r\n"), content_type


def tag_of(stored):
    text = f"{stored.generation}/{stored.metageneration}"
    return base64.b64encode(text.encode()).decode()


def resource(bucket, stored):
    """What the JSON API tells of an object."""
    document = {
        "kind": "storage#object", "bucket": bucket, "name": stored.name,
        "id": f"{bucket}/{stored.name}/{stored.generation}", "size": str(stored.size),
        "generation": str(stored.generation), "metageneration": str(stored.metageneration),
        # Another tag than that of the XML API: of the generation, not of the content.
        "crc32c": stored.crc32c, "etag": tag_of(stored),
        "updated": utc(stored.updated), "timeCreated": utc(stored.updated),
        "storageClass": stored.attributes.storage_class or "STANDARD",
    }  # fmt: skip
    if stored.md5:
        document["md5Hash"] = stored.md5
    for name, attribute in FIELDS.items():
        if value := getattr(stored.attributes, attribute):
            document[name] = value
    return document
