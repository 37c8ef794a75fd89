"""Microsoft's own client for one server: what it sees is what anybody would see."""

import base64

from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient, ContentSettings

from oracles.program import CallFailure


def client_for(endpoint, account, key):
    """A client with the key of the account, that tries once and takes no proxy."""
    credential = {"account_name": account, "account_key": key}
    return BlobServiceClient(
        endpoint, credential=credential, retry_total=0, use_env_settings=False
    )


class Calls:
    """What tests do with Microsoft's client, under the names that Google's has too."""

    def __init__(self, endpoint, account, key, container):
        self.client = client_for(endpoint, account, key)
        self.default = container

    def blob(self, container, key):
        return self.client.get_blob_client(container or self.default, key)

    def operations(self):
        names = ("put", "get", "head", "delete", "list", "blocks", "snapshot", "tier")
        return {name: reported(getattr(self, name)) for name in names}

    def put(
        self, key, body=b"", bucket=None, contentType=None, contentEncoding=None, metadata=None
    ):
        settings = ContentSettings(content_type=contentType, content_encoding=contentEncoding)
        answer = self.blob(bucket, key).upload_blob(
            body, overwrite=True, content_settings=settings, metadata=metadata
        )
        return {"etag": answer["etag"]}

    def get(self, key, bucket=None):
        return {"body": self.blob(bucket, key).download_blob(decompress=False).readall()}

    def head(self, key, bucket=None):
        found = self.blob(bucket, key).get_blob_properties()
        md5 = found.content_settings.content_md5
        return {
            "size": found.size, "etag": found.etag, "metadata": found.metadata,
            "contentType": found.content_settings.content_type,
            "contentEncoding": found.content_settings.content_encoding,
            "md5": base64.b64encode(md5).decode() if md5 else None,
        }  # fmt: skip

    def delete(self, key, bucket=None):
        self.blob(bucket, key).delete_blob()
        return {}

    def list(self, prefix="", bucket=None, delimiter=None):
        client = self.client.get_container_client(bucket or self.default)
        if delimiter is None:
            return {"keys": list(client.list_blob_names(name_starts_with=prefix)), "prefixes": []}
        found = list(client.walk_blobs(name_starts_with=prefix, delimiter=delimiter))
        # Prefixes have no properties of a blob.
        prefixes = [one.name for one in found if "etag" not in one]
        return {"keys": [one.name for one in found if "etag" in one], "prefixes": prefixes}

    def blocks(self, key, bucket=None):
        committed, uncommitted = self.blob(bucket, key).get_block_list("all")
        return {
            "committed": [{"identifier": one.id, "size": one.size} for one in committed],
            "uncommitted": [{"identifier": one.id, "size": one.size} for one in uncommitted],
        }

    def snapshot(self, key, bucket=None):
        return {"snapshot": self.blob(bucket, key).create_snapshot()["snapshot"]}

    def tier(self, key, tier, bucket=None):
        self.blob(bucket, key).set_standard_blob_tier(tier)
        return {}


def reported(function):
    def call(**parameters):
        try:
            return function(**parameters)
        except HttpResponseError as error:
            code = getattr(error, "error_code", None)
            code = getattr(code, "value", code) or "Failed"
            raise CallFailure(code, error.status_code or 0, str(error.message)) from error

    return call
