"""The XML API with names of buckets in the path: finds out what a request wants."""

import urllib.parse

from oracles.content import http_date
from oracles.gcs_auth import caller
from oracles.gcs_errors import GCSError
from oracles.gcs_list import list_objects
from oracles.gcs_multipart import Multipart
from oracles.gcs_objects import Objects, attributes_of
from oracles.gcs_resumable import Resumable
from oracles.wire import Response


class XMLService:
    def __init__(self, store, directory):
        self.store = store
        self.directory = directory
        self.objects = Objects(store)
        self.multipart = Multipart(store)
        self.resumable = Resumable(store)

    def answer(self, request):
        try:
            response = self.routed(request)
        except GCSError as error:
            response = error.response()
        response.headers += [("Server", "UploadServer"), ("Date", http_date())]
        if not any(name == "X-GUploader-UploadID" for name, _ in response.headers):
            response.headers.append(("X-GUploader-UploadID", "oracle"))
        return response

    def routed(self, request):
        if request.parameter("upload_id") is not None:
            return self.resumable.proceed(request)
        who = caller(request, self.directory)
        try:
            path = urllib.parse.unquote(request.path, errors="strict")
        except UnicodeDecodeError as error:
            raise GCSError("InvalidArgument", "The name is not UTF-8.") from error
        bucket, _, name = path[1:].partition("/")
        if not bucket:
            raise GCSError("MethodNotAllowed")
        if not name:
            return self.on_bucket(request, who, bucket)
        if not who.identity.permissions:
            # What is not there is not told to strangers.
            who.require("storage.objects.get", f"{bucket}/{name}")
        self.store.bucket(bucket)
        return self.on_object(request, who, (bucket, name))

    def on_bucket(self, request, who, bucket):
        names = {name for name, _ in request.parameters()}
        if request.method == "GET" and "uploads" in names:
            return self.multipart.list_uploads(request, who, bucket)
        if request.method == "GET":
            return list_objects(self.store, request, who, bucket)
        if request.method == "HEAD":
            who.require("storage.buckets.get", bucket)
            self.store.bucket(bucket)
            return Response(200)
        if request.method == "PUT":
            who.require("storage.buckets.create", bucket)
            self.store.make_bucket(bucket)
            return Response(200)
        raise GCSError("MethodNotAllowed")

    def on_object(self, request, who, place):
        names = {name for name, _ in request.parameters()}
        if "uploadId" in names:
            if request.method == "PUT" and "partNumber" not in names:
                raise GCSError("InvalidArgument", "partNumber is missing.")
            action = {
                "PUT": self.multipart.put_part, "POST": self.multipart.complete,
                "GET": self.multipart.list_parts, "DELETE": self.multipart.abort,
            }.get(request.method)  # fmt: skip
        elif request.method == "POST" and "uploads" in names:
            action = self.multipart.start
        elif request.method == "POST" and request.header("x-goog-resumable") == "start":
            action = self.start_resumable
        else:
            action = {
                "GET": self.objects.get, "HEAD": self.objects.get,
                "PUT": self.objects.put, "DELETE": self.objects.delete,
            }.get(request.method)  # fmt: skip
        if action is None:
            raise GCSError("MethodNotAllowed")
        return action(request, who, place)

    def start_resumable(self, request, who, place):
        if len(request.body) > 0:
            raise GCSError("InvalidArgument", "The request that starts an upload has no body.")
        check = self.objects.write_check(request, who, place)
        return self.resumable.start(request, who, place, attributes_of(request), check)
