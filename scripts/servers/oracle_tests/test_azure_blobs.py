"""The Blob service as Microsoft's client and the REST reference have it."""

import base64
import hashlib
import os
import unittest
import urllib.parse

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobBlock, ContentSettings
from oracle_tests.harness import Failure, Oracle, send
from oracle_tests.test_azure_signatures import VERSION, at

from oracles.azure_client import client_for

MEBIBYTE = 1 << 20


def identifier(number):
    return base64.b64encode(b"%08d" % number).decode()


class Blobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oracle = Oracle.of("azure")
        description = cls.oracle.description
        cls.endpoint = description["endpoint"]
        cls.client = client_for(cls.endpoint, description["account"], description["accountKey"])
        cls.container = cls.client.get_container_client("blobs")
        cls.token = cls.oracle.call("accessToken", name="admin")["token"]

    def fails(self, code, function, *arguments, **named):
        with self.assertRaises(HttpResponseError) as raised:
            function(*arguments, **named)
        found = raised.exception.error_code
        self.assertEqual(getattr(found, "value", found), code)

    def raw(self, target, method="GET", headers=(), body=None):
        headers = {"Authorization": f"Bearer {self.token}"} | VERSION | dict(headers)
        return send(self.endpoint + "/blobs" + target, method, headers, body)

    def block(self, name, number, body, headers=()):
        query = urllib.parse.urlencode({"comp": "block", "blockid": identifier(number)})
        return self.raw(f"/{name}?{query}", "PUT", headers, body)

    def commit(self, name, numbers, kind="Latest", headers=()):
        blocks = "".join(f"<{kind}>{identifier(number)}</{kind}>" for number in numbers)
        body = f"<BlockList>{blocks}</BlockList>".encode()
        return self.raw(f"/{name}?comp=blocklist", "PUT", headers, body)

    def test_round_trip(self):
        blob = self.container.get_blob_client("dir/a b+ü%20")
        body = os.urandom(10 * MEBIBYTE)
        settings = ContentSettings(content_type="text/x", cache_control="no-store")
        blob.upload_blob(
            body, overwrite=True, max_concurrency=2, content_settings=settings,
            metadata={"a_b": "1", "a1": "2", "ab": "3"}, validate_content="auto",
        )  # fmt: skip
        self.assertEqual(blob.download_blob(max_concurrency=2).readall(), body)
        found = blob.get_blob_properties()
        self.assertEqual(found.metadata, {"a_b": "1", "a1": "2", "ab": "3"})
        self.assertEqual(found.content_settings.content_type, "text/x")
        self.assertEqual(blob.download_blob(offset=5, length=3).readall(), body[5:8])

    def test_put_needs_a_type(self):
        self.assertEqual(self.raw("/untyped", "PUT", {}, b"x").code, "MissingRequiredHeader")
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "text/y"}
        self.assertEqual(self.raw("/untyped", "PUT", headers, b"x").status, 201)
        self.assertEqual(self.oracle.call("head", key="untyped")["contentType"], "text/y")

    def test_ranges(self):
        self.oracle.call("put", key="ranged", body=b"0123456789")
        for header in ("Range", "x-ms-range"):
            got = self.raw("/ranged", headers={header: "bytes=2-3"})
            self.assertEqual((got.status, got.body), (206, b"23"))
            self.assertEqual(got.headers["content-range"], "bytes 2-3/10")
            self.assertIn("x-ms-blob-content-md5", got.headers)
        self.assertEqual(self.raw("/ranged", headers={"Range": "bytes=8-"}).body, b"89")
        got = self.raw("/ranged", headers={"x-ms-range": "bytes=10-"})
        self.assertEqual((got.status, got.code), (416, "InvalidRange"))
        # AZ-10.
        got = self.raw("/ranged", headers={"x-ms-range": "bytes=-3"})
        self.assertEqual(got.code, "InvalidHeaderValue")

    def test_conditions(self):
        blob = self.container.get_blob_client("conditional")
        first = blob.upload_blob(b"1")["etag"]
        # AZ-11: a create that finds something is a conflict, not a failed condition.
        self.fails("BlobAlreadyExists", blob.upload_blob, b"2")
        answer = self.commit("conditional", [], headers={"If-None-Match": "*"})
        self.assertEqual((answer.status, answer.code), (409, "BlobAlreadyExists"))
        changed = {"etag": first, "match_condition": MatchConditions.IfNotModified}
        blob.upload_blob(b"3", overwrite=True, **changed)
        for function in (blob.download_blob, blob.delete_blob, blob.get_blob_properties):
            self.fails("ConditionNotMet", function, **changed)
        self.fails("ConditionNotMet", blob.upload_blob, b"4", overwrite=True, **changed)
        tag = blob.get_blob_properties().etag
        self.assertEqual(self.raw("/conditional", headers={"If-None-Match": tag}).status, 304)
        self.assertEqual(self.raw("/missing", headers={"If-Match": tag}).code, "BlobNotFound")
        head = self.raw("/missing", "HEAD")
        self.assertEqual((head.status, head.headers["x-ms-error-code"]), (404, "BlobNotFound"))

    def test_blocks(self):
        self.assertEqual(self.block("many", 10, b"ten").status, 201)
        answer = self.block("many", 9, b"nine")
        self.assertIn("x-ms-content-crc64", answer.headers)
        self.assertNotIn("etag", answer.headers)
        self.assertEqual(self.raw("/many").code, "BlobNotFound")
        # AZ-05, AZ-09.
        answer = self.raw("/many?comp=block&blockid=" + urllib.parse.quote("AAA="), "PUT", {}, b"x")
        self.assertEqual(answer.code, "InvalidBlobOrBlock")
        self.assertEqual(self.block("many", 1, b"").code, "InvalidHeaderValue")
        answer = self.raw("/many?comp=block&blockid=a+b", "PUT", {}, b"x")
        self.assertEqual(answer.code, "InvalidQueryParameterValue")
        self.assertEqual(self.commit("many", [9, 11]).code, "InvalidBlockList")
        # AZ-07: the type of the list is not that of the blob.
        headers = {"Content-Type": "application/xml", "x-ms-meta-a": "b"}
        self.assertEqual(self.commit("many", [9, 10], headers=headers).status, 201)
        head = self.oracle.call("head", key="many")
        self.assertEqual((head["size"], head["md5"]), (7, None))
        self.assertEqual(head["contentType"], "application/octet-stream")
        self.assertEqual(self.oracle.call("get", key="many")["body"], b"nineten")
        # AZ-06: replayed, `Latest` finds what is committed, `Uncommitted` does not.
        self.assertEqual(self.commit("many", [9, 10]).status, 201)
        self.assertEqual(self.commit("many", [9, 10], "Uncommitted").code, "InvalidBlockList")

    def test_two_uploads_of_one_blob(self):
        """AZ-08."""
        for number in (1, 2):
            self.block("shared", number, b"%d" % number)
        found = self.oracle.call("blocks", key="shared")
        self.assertEqual(len(found["uncommitted"]), 2)
        self.assertEqual(self.commit("shared", [1]).status, 201)
        self.assertEqual(self.commit("shared", [2]).code, "InvalidBlockList")
        self.assertEqual(self.oracle.call("blocks", key="shared")["uncommitted"], [])

    def test_nothing(self):
        self.assertEqual(self.commit("nothing", []).status, 201)
        self.assertEqual(self.oracle.call("get", key="nothing")["body"], b"")

    def test_digests(self):
        """AZ-16."""
        wrong = base64.b64encode(bytes(16)).decode()
        answer = self.block("digest", 1, b"x", {"Content-MD5": wrong})
        self.assertEqual((answer.status, answer.code), (400, "Md5Mismatch"))
        answer = self.block("digest", 1, b"x", {"x-ms-content-crc64": "AAAAAAAAAAA="})
        self.assertEqual(answer.code, "Crc64Mismatch")
        # The check value of CRC-64/NVME, for "123456789": AE8B14860A799888, least byte first.
        answer = self.block("digest", 1, b"123456789")
        self.assertEqual(
            base64.b64decode(answer.headers["x-ms-content-crc64"]).hex(), "8898790a86148bae"
        )
        right = base64.b64encode(hashlib.md5(b"x").digest()).decode()
        answer = self.block("digest", 1, b"x", {"Content-MD5": right})
        self.assertEqual(answer.headers["content-md5"], right)

    def test_staged_by_microsofts_client(self):
        blob = self.container.get_blob_client("staged")
        for number in (1, 2):
            blob.stage_block(f"{number:05d}", b"%d" % number, validate_content="crc64")
        blob.commit_block_list([BlobBlock("00002"), BlobBlock("00001")], metadata={"k": "v"})
        self.assertEqual(blob.download_blob().readall(), b"21")

    def test_list(self):
        name = self.oracle.call("makeBucket")["bucket"]
        keys = sorted(["a", "b/1", "b/2", "b c/ü", "ü", "z&<"], key=str.encode)
        for key in keys:
            self.oracle.call("put", key=key, bucket=name)
        container = self.client.get_container_client(name)
        pages = list(container.list_blobs(results_per_page=2).by_page())
        names = [[one.name for one in page] for page in pages]
        self.assertEqual(names, [keys[:2], keys[2:4], keys[4:]])
        found = self.oracle.call("list", bucket=name, delimiter="/")
        self.assertEqual(found["prefixes"], ["b c/", "b/"])
        self.assertEqual(found["keys"], ["a", "z&<", "ü"])
        target = f"{self.endpoint}/{name}?restype=container&comp=list&delimiter=/&maxresults=1"
        headers = {"Authorization": f"Bearer {self.token}"} | VERSION
        marker, count = "", 0
        while True:
            answer = send(target + (f"&marker={marker}" if marker else ""), headers=headers)
            self.assertTrue(answer.body.startswith(b"\xef\xbb\xbf"))
            count += answer.body.count(b"<Name>")
            text = answer.body.decode()
            marker = text.partition("<NextMarker>")[2].partition("</NextMarker>")[0]
            if not marker:
                break
        self.assertEqual(count, 5)
        with self.assertRaises(Failure) as raised:
            self.oracle.call("list", bucket="missing")
        self.assertEqual(raised.exception.code, "ContainerNotFound")

    def test_containers(self):
        container = self.client.create_container("made-here")
        self.fails("ContainerAlreadyExists", self.client.create_container, "made-here")
        self.fails("InvalidResourceName", self.client.create_container, "Made-Here")
        container.upload_blob("x", b"x")
        container.delete_container()
        self.fails("ContainerNotFound", container.upload_blob, "x", b"x")

    def test_batch(self):
        for key in ("batch/1", "batch/2 ü"):
            self.oracle.call("put", key=key, body=b"x")
        answers = list(
            self.container.delete_blobs(
                "batch/1", "batch/2 ü", "batch/3", raise_on_any_failure=False
            )
        )
        self.assertEqual([answer.status_code for answer in answers], [202, 202, 404])
        self.assertEqual(self.oracle.call("list", prefix="batch/")["keys"], [])

    def test_copy(self):
        self.oracle.call("put", key="from ü", body=b"copied", contentType="text/c")
        source = self.container.get_blob_client("from ü")
        target = self.container.get_blob_client("copy")
        # Nobody may read the source without a signature or a token.
        copy = target.start_copy_from_url
        self.fails("CannotVerifyCopySource", copy, source.url, requires_sync=True)
        call = {
            "kind": "blob", "account_name": "testaccount", "container_name": "blobs",
            "blob_name": "from ü", "permission": "r", "expiry": at(600),
            "account_key": self.oracle.description["accountKey"],
        }  # fmt: skip
        token = self.oracle.call("sign", calls=[call])["tokens"][0]
        signed = f"{source.url}?{token}"
        target.start_copy_from_url(signed, requires_sync=True)
        self.assertEqual(target.download_blob().readall(), b"copied")
        self.assertEqual(target.get_blob_properties().content_settings.content_type, "text/c")
        target.start_copy_from_url(
            source.url, requires_sync=True, source_authorization=f"Bearer {self.token}"
        )
        named = {"source_etag": '"0x1"', "source_match_condition": MatchConditions.IfNotModified}
        self.fails(
            "SourceConditionNotMet", target.start_copy_from_url, signed, requires_sync=True, **named
        )
        target.start_copy_from_url(source.url)
        target.stage_block_from_url("00001", signed, source_offset=1, source_length=2)
        target.commit_block_list([BlobBlock("00001")])
        self.assertEqual(target.download_blob().readall(), b"op")

    def test_put_from_url(self):
        body = os.urandom(100)
        self.oracle.call(
            "put", key="origin", body=body, contentType="text/o", contentEncoding="gzip",
            metadata={"a": "b"},
        )  # fmt: skip
        source = self.container.get_blob_client("origin")
        target = self.container.get_blob_client("put-from")
        bearer = f"Bearer {self.token}"
        target.upload_blob_from_url(source.url, source_authorization=bearer, overwrite=True)
        self.assertEqual(target.download_blob(decompress=False).readall(), body)
        found = target.get_blob_properties()
        self.assertEqual(found.content_settings.content_type, "text/o")
        self.assertEqual(found.content_settings.content_encoding, "gzip")
        self.assertEqual(found.metadata, {})
        settings = ContentSettings(content_type="text/named")
        target.upload_blob_from_url(
            source.url, source_authorization=bearer, overwrite=True, content_settings=settings,
            include_source_blob_properties=False, metadata={"c": "d"},
        )  # fmt: skip
        found = target.get_blob_properties()
        self.assertEqual(found.content_settings.content_type, "text/named")
        self.assertIsNone(found.content_settings.content_encoding)
        self.assertEqual(found.metadata, {"c": "d"})
        put = target.upload_blob_from_url
        self.fails("BlobAlreadyExists", put, source.url, source_authorization=bearer)
        self.fails("CannotVerifyCopySource", put, source.url, overwrite=True)

    def test_states(self):
        """AZ-15."""
        self.oracle.call("put", key="kept", body=b"x")
        self.oracle.call("snapshot", key="kept")
        blob = self.container.get_blob_client("kept")
        self.fails("SnapshotsPresent", blob.delete_blob)
        blob.delete_blob(delete_snapshots="include")
        self.oracle.call("put", key="cold", body=b"x")
        self.oracle.call("tier", key="cold", tier="Archive")
        self.fails("BlobArchived", self.container.get_blob_client("cold").download_blob)

    def test_metadata_names(self):
        headers = {"x-ms-blob-type": "BlockBlob", "x-ms-meta-a-b": "x"}
        self.assertEqual(self.raw("/named", "PUT", headers, b"").code, "InvalidMetadata")

    def test_host(self):
        """AZ-01: the account may be the host's name."""
        self.oracle.call("put", key="hosted", body=b"x")
        origin = self.endpoint.rpartition("/")[0]
        headers = {"Authorization": f"Bearer {self.token}", "Host": "testaccount.blob.example"}
        self.assertEqual(send(f"{origin}/blobs/hosted", headers=headers | VERSION).status, 200)
        self.assertEqual(send(f"{origin}/other/hosted", headers=headers | VERSION).status, 404)


class Tokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oracle = Oracle.of("azure")
        cls.url = cls.oracle.description["endpoint"] + "/blobs/secret"
        cls.oracle.call("put", key="secret", body=b"x")

    def status(self, token, method="GET"):
        headers = {"Authorization": f"Bearer {token}", "x-ms-blob-type": "BlockBlob"} | VERSION
        return send(self.url, method, headers).status

    def test_bearers(self):
        reader = self.oracle.call("principal", role="reader")["name"]
        token = self.oracle.call("accessToken", name=reader)["token"]
        self.assertEqual((self.status(token), self.status(token, "PUT")), (200, 403))
        self.oracle.call("revoke", name=reader)
        self.assertEqual(self.status(token), 401)
        for more in ({"seconds": -1}, {"resource": "https://vault.azure.net"}):
            token = self.oracle.call("accessToken", name=reader, **more)["token"]
            self.assertEqual(self.status(token), 401)
        answer = send(self.url, headers=VERSION)
        self.assertEqual((answer.status, answer.code), (401, "NoAuthenticationInformation"))
        self.assertIn("Bearer", answer.headers["www-authenticate"])

    def entra(self, who, **changed):
        form = {
            "grant_type": "client_credentials", "client_id": who["clientID"],
            "client_secret": who["clientSecret"], "scope": "https://storage.azure.com/.default",
        } | changed  # fmt: skip
        body = urllib.parse.urlencode({name: value for name, value in form.items() if value})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return send(who["tokenURL"], "POST", headers, body.encode())

    def access(self, answer):
        self.assertEqual(answer.status, 200, answer.body)
        return self.status(answer.body.decode().partition('access_token": "')[2].partition('"')[0])

    def test_entra(self):
        who = self.oracle.call("principal")
        self.assertEqual(self.access(self.entra(who)), 200)
        self.assertEqual(self.entra(who, client_secret="x").status, 401)
        self.assertEqual(self.entra(who, scope="x").status, 400)
        with open(who["federatedTokenFile"]) as file:
            token = file.read()
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        form = {"client_secret": None, "client_assertion_type": kind}
        self.assertEqual(self.access(self.entra(who, client_assertion=token, **form)), 200)
        for more in ({"isForged": True}, {"seconds": -100}):
            token = self.oracle.call("federatedToken", name=who["name"], **more)["token"]
            self.assertEqual(self.entra(who, client_assertion=token, **form).status, 401)
        token = self.oracle.call("federatedToken", name="reader")["token"]
        self.assertEqual(self.entra(who, client_assertion=token, **form).status, 401)

    def test_machines(self):
        who = self.oracle.call("principal", role="reader")
        query = "?resource=https%3A%2F%2Fstorage.azure.com%2F&api-version="
        url = who["instanceMetadata"] + "/metadata/identity/oauth2/token" + query + "2018-02-01"
        self.assertEqual(send(url).status, 400)
        headers = {"Metadata": "true"}
        self.assertEqual(self.access(send(url, headers=headers)), 200)
        mine = f"{url}&client_id={who['clientID']}"
        self.assertEqual(self.access(send(mine, headers=headers)), 200)
        self.assertEqual(send(f"{url}&client_id=other", headers=headers).status, 400)
        url = who["identityEndpoint"] + query + "2019-08-01"
        self.assertEqual(send(url).status, 401)
        headers = {"X-IDENTITY-HEADER": who["identityHeader"]}
        self.assertEqual(self.access(send(url, headers=headers)), 200)
