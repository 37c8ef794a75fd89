"""Google's own client for one server: what it sees is what anybody would see."""

import google.api_core.exceptions
import google.auth.transport.requests
import requests
from google.cloud import storage
from google.oauth2 import service_account

from oracles.program import CallFailure

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"


def client_for(endpoint, path, project="test-project"):
    """A client with a service account's file, that takes no proxy and nothing else from outside."""
    session = requests.Session()
    session.trust_env = False
    credentials = service_account.Credentials.from_service_account_file(path, scopes=[SCOPE])
    authorized = google.auth.transport.requests.AuthorizedSession(
        credentials, auth_request=google.auth.transport.requests.Request(session)
    )
    authorized.trust_env = False
    return storage.Client(
        project=project, credentials=credentials, _http=authorized,
        client_options={"api_endpoint": endpoint},
    )  # fmt: skip


class Calls:
    """What tests do with Google's client, under the names that Azure's has too."""

    def __init__(self, endpoint, path, bucket):
        self.client = client_for(endpoint, path)
        self.default = bucket

    def blob(self, bucket, key):
        return self.client.bucket(bucket or self.default).blob(key)

    def operations(self):
        names = ("put", "get", "head", "delete", "list")
        return {name: reported(getattr(self, name)) for name in names}

    def put(
        self, key, body=b"", bucket=None, contentType=None, contentEncoding=None, metadata=None
    ):
        blob = self.blob(bucket, key)
        blob.metadata = metadata
        blob.content_encoding = contentEncoding
        blob.upload_from_string(body, content_type=contentType or "application/octet-stream")
        return {"etag": f'"{blob.etag}"', "generation": str(blob.generation)}

    def get(self, key, bucket=None):
        # As it is stored, and checked against what is told of it.
        return {"body": self.blob(bucket, key).download_as_bytes(raw_download=True)}

    def head(self, key, bucket=None):
        blob = self.blob(bucket, key)
        blob.reload()
        return {
            "size": blob.size, "etag": f'"{blob.etag}"', "contentType": blob.content_type,
            "contentEncoding": blob.content_encoding, "metadata": blob.metadata or {},
            "generation": str(blob.generation), "crc32c": blob.crc32c, "md5": blob.md5_hash,
        }  # fmt: skip

    def delete(self, key, bucket=None):
        self.blob(bucket, key).delete()
        return {}

    def list(self, prefix="", bucket=None, delimiter=None):
        found = self.client.list_blobs(bucket or self.default, prefix=prefix, delimiter=delimiter)
        keys = [blob.name for blob in found]
        return {"keys": keys, "prefixes": sorted(found.prefixes)}


def reported(function):
    def call(**parameters):
        try:
            return function(**parameters)
        except google.api_core.exceptions.GoogleAPICallError as error:
            names = {404: "NotFound", 403: "AccessDenied", 412: "PreconditionFailed"}
            raise CallFailure(names.get(error.code, "Failed"), error.code, str(error)) from error

    return call
