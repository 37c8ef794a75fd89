"""The XML API as the service has it, and Google's own client on top of the JSON API."""

import gzip
import hashlib
import os
import tempfile
import unittest

from google.cloud.storage import transfer_manager
from oracle_tests.harness import Failure, Oracle, send

from oracles.gcs_client import client_for

MEBIBYTE = 1 << 20


class Objects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oracle = Oracle.of("gcs")
        cls.endpoint = cls.oracle.description["endpoint"]
        cls.token = cls.oracle.call("accessToken", name="admin")["token"]

    def xml(self, target, method="GET", headers=(), body=None):
        authorized = {"Authorization": f"Bearer {self.token}"} | dict(headers)
        return send(self.endpoint + "/blobs" + target, method, authorized, body)

    def field(self, answer, name):
        return answer.body.decode().partition(f"<{name}>")[2].partition(f"</{name}>")[0]

    def test_round_trip(self):
        body = os.urandom(1000)
        md5 = hashlib.md5(body).hexdigest()
        headers = {"Content-Type": "text/x", "x-goog-meta-colour": "blue"}
        put = self.xml("/round", "PUT", headers, body)
        self.assertEqual(put.headers["etag"], f'"{md5}"')
        self.assertEqual(self.oracle.call("get", key="round")["body"], body)
        head = self.oracle.call("head", key="round")
        self.assertEqual((head["size"], head["contentType"]), (1000, "text/x"))
        self.assertEqual(head["metadata"], {"colour": "blue"})
        self.assertEqual(head["generation"], put.headers["x-goog-generation"])
        self.oracle.call("put", key="round", body=b"other", metadata={"a": "b"})
        got = self.xml("/round")
        self.assertEqual((got.body, got.headers["x-goog-meta-a"]), (b"other", "b"))
        self.assertEqual(got.headers["x-goog-stored-content-length"], "5")
        hashes = [value for name, value in got.lines if name == "x-goog-hash"]
        self.assertEqual([one.partition("=")[0] for one in hashes], ["crc32c", "md5"])

    def test_ranges(self):
        self.oracle.call("put", key="ranged", body=b"0123456789")
        wanted = {
            "bytes=0-0": (206, b"0", "bytes 0-0/10"),
            "bytes=7-": (206, b"789", "bytes 7-9/10"),
            "bytes=-3": (206, b"789", "bytes 7-9/10"),
            "bytes=5-99": (206, b"56789", "bytes 5-9/10"),
            "bytes=-99": (206, b"0123456789", "bytes 0-9/10"),
            "items=0-1": (200, b"0123456789", None),
            "bytes=5-2": (200, b"0123456789", None),
        }
        for text, expected in wanted.items():
            with self.subTest(text):
                got = self.xml("/ranged", headers={"Range": text})
                self.assertEqual((got.status, got.body, got.headers.get("content-range")), expected)
        for text in ("bytes=10-", "bytes=-0"):
            got = self.xml("/ranged", headers={"Range": text})
            self.assertEqual((got.status, got.code), (416, "InvalidRange"))
        self.oracle.call("put", key="empty", body=b"")
        self.assertEqual(self.xml("/empty", headers={"Range": "bytes=0-"}).status, 416)
        self.assertEqual(self.xml("/empty").status, 200)

    def test_conditions(self):
        """GC-07: by generation for writes; by tag for reads only."""
        create = {"x-goog-if-generation-match": "0"}
        first = self.xml("/conditional", "PUT", create, b"1")
        self.assertEqual(first.status, 200)
        self.assertEqual(self.xml("/conditional", "PUT", create, b"2").code, "PreconditionFailed")
        generation = {"x-goog-if-generation-match": first.headers["x-goog-generation"]}
        self.assertEqual(self.xml("/conditional", headers=generation).status, 200)
        self.assertEqual(self.xml("/conditional", "PUT", generation, b"3").status, 200)
        for method in ("PUT", "GET", "DELETE"):
            self.assertEqual(self.xml("/conditional", method, generation).status, 412)
        self.assertEqual(self.xml("/conditional", headers={"If-Match": '"x"'}).status, 412)
        tag = self.xml("/conditional").headers["etag"]
        self.assertEqual(self.xml("/conditional", headers={"If-Match": tag}).status, 200)
        self.assertEqual(self.xml("/conditional", headers={"If-None-Match": tag}).status, 304)
        wrong = {"x-goog-if-metageneration-match": "2"}
        self.assertEqual(self.xml("/conditional", headers=wrong).status, 412)

    def test_digests(self):
        for headers in (
            {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="},
            {"x-goog-hash": "crc32c=AAAAAA=="},
            {"x-goog-hash": "md5=AAAAAAAAAAAAAAAAAAAAAA=="},
        ):
            answer = self.xml("/digest", "PUT", headers, b"x")
            self.assertEqual((answer.status, answer.code), (400, "BadDigest"))
        self.assertEqual(self.xml("/digest").code, "NoSuchKey")
        self.assertEqual(self.xml("/digest", "DELETE").status, 404)

    def test_transcoding(self):
        """GC-02."""
        packed = gzip.compress(b"x" * 5000)
        self.oracle.call("put", key="packed", body=packed, contentEncoding="gzip")
        for headers in ({}, {"Range": "bytes=0-9"}):
            got = self.xml("/packed", headers=headers)
            self.assertEqual((got.status, got.body), (200, b"x" * 5000))
            self.assertNotIn("content-length", got.headers)
            self.assertNotIn("content-encoding", got.headers)
        got = self.xml("/packed", headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"})
        self.assertEqual((got.status, got.body), (206, packed[:10]))
        self.assertEqual(got.headers["content-encoding"], "gzip")

    def test_copy(self):
        self.oracle.call("put", key="from ü", body=b"copied", contentType="text/y")
        tag = self.xml("/from%20%C3%BC").headers["etag"]
        source = {"x-goog-copy-source": "/blobs/from%20%C3%BC"}
        wrong = source | {"x-goog-copy-source-if-match": '"x"'}
        self.assertEqual(self.xml("/to", "PUT", wrong).status, 412)
        answer = self.xml("/to", "PUT", source | {"x-goog-copy-source-if-match": tag})
        self.assertEqual((answer.status, self.field(answer, "ETag")), (200, tag))
        self.assertEqual(self.oracle.call("head", key="to")["contentType"], "text/y")
        replaced = source | {"x-goog-metadata-directive": "REPLACE", "Content-Type": "text/z"}
        self.assertEqual(self.xml("/to", "PUT", replaced).status, 200)
        self.assertEqual(self.oracle.call("head", key="to")["contentType"], "text/z")
        missing = {"x-goog-copy-source": "/blobs/missing"}
        self.assertEqual(self.xml("/to", "PUT", missing).code, "NoSuchKey")

    def upload(self, key, **headers):
        return self.field(self.xml(f"/{key}?uploads", "POST", headers), "UploadId")

    def complete(self, key, upload, parts, is_escaped=False):
        quote = "&quot;" if is_escaped else '"'
        text = "".join(
            f"<Part><PartNumber>{index}</PartNumber>"
            f"<ETag>{quote}{tag.strip(chr(34))}{quote}</ETag></Part>"
            for index, tag in parts
        )
        body = f"<CompleteMultipartUpload>{text}</CompleteMultipartUpload>".encode()
        return self.xml(f"/{key}?uploadId={upload}", "POST", body=body)

    def part(self, key, upload, index, body):
        answer = self.xml(f"/{key}?partNumber={index}&uploadId={upload}", "PUT", body=body)
        self.assertEqual(answer.status, 200)
        return index, answer.headers["etag"]

    def test_multipart(self):
        upload = self.upload("many", **{"Content-Type": "text/m"})
        big = os.urandom(5 * MEBIBYTE)
        parts = [self.part("many", upload, 1, big), self.part("many", upload, 7, b"end")]
        small = self.part("many", upload, 3, b"small")
        listed = self.xml(f"/many?uploadId={upload}").body.decode()
        self.assertEqual(listed.count("<Part>"), 3)
        refusals = {
            "InvalidPartOrder": parts[::-1],
            "InvalidPart": [(2, parts[0][1])],
            "EntityTooSmall": [parts[0], small, parts[1]],
            "InvalidArgument": [],
        }
        for code, wanted in refusals.items():
            self.assertEqual(self.complete("many", upload, wanted).code, code)
        # GC-05: the tags as they stand.
        self.assertEqual(self.complete("many", upload, parts, True).code, "InvalidPart")
        uploads = self.oracle.call("uploads", prefix="many")["uploads"]
        self.assertEqual(uploads[0]["parts"], [1, 3, 7])
        answer = self.complete("many", upload, parts)
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.complete("many", upload, parts).code, "NoSuchUpload")
        head = self.oracle.call("head", key="many")
        self.assertEqual((head["size"], head["md5"]), (len(big) + 3, None))
        self.assertEqual(head["contentType"], "text/m")
        # Google's client checks the CRC32C.
        self.assertEqual(self.oracle.call("get", key="many")["body"], big + b"end")
        got = self.xml("/many", headers={"Range": f"bytes={len(big) - 1}-{len(big)}"})
        self.assertEqual(got.body, big[-1:] + b"e")

    def test_abort(self):
        upload = self.upload("aborted")
        self.assertEqual(self.xml(f"/aborted?uploadId={upload}", "DELETE").status, 204)
        self.assertEqual(self.xml(f"/aborted?uploadId={upload}", "DELETE").code, "NoSuchUpload")
        self.assertEqual(self.xml("/aborted").code, "NoSuchKey")
        self.assertEqual(self.xml(f"/x?partNumber=10001&uploadId={upload}", "PUT").status, 400)

    def test_googles_client_uploads_in_parts(self):
        path = self.oracle.description["admin"]["files"]["serviceAccount"]
        blob = client_for(self.endpoint, path).bucket("blobs").blob("a dir/in parts ü")
        body = os.urandom(13 * MEBIBYTE)
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            transfer_manager.upload_chunks_concurrently(
                file.name, blob, chunk_size=5 * MEBIBYTE, max_workers=2,
                worker_type=transfer_manager.THREAD,
            )  # fmt: skip
        self.assertEqual(self.oracle.call("get", key="a dir/in parts ü")["body"], body)

    def test_list(self):
        bucket = self.oracle.call("makeBucket")["bucket"]
        keys = sorted(["a", "b/1", "b/2", "b c/ü", "ü", "z&<"], key=str.encode)
        for key in keys:
            self.oracle.call("put", key=key, bucket=bucket)
        self.assertEqual(self.oracle.call("list", bucket=bucket)["keys"], keys)
        self.token = self.oracle.call("accessToken", name="admin")["token"]
        found, token = [], ""
        while True:
            more = f"&continuation-token={token}" if token else ""
            target = f"{self.endpoint}/{bucket}?list-type=2&delimiter=/&max-keys=2{more}"
            page = send(target, headers={"Authorization": f"Bearer {self.token}"})
            text = page.body.decode()
            found += [one.partition("</Key>")[0] for one in text.split("<Key>")[1:]]
            found += [
                one.partition("</Prefix>")[0]
                for one in text.split("<CommonPrefixes><Prefix>")[1:]
            ]
            token = self.field(page, "NextContinuationToken")
            if not token:
                break
        self.assertEqual(sorted(found), sorted(["a", "b c/", "b/", "z&amp;&lt;", "ü"]))
        target = f"{self.endpoint}/{bucket}?list-type=2&encoding-type=url&start-after=b/1"
        text = send(target, headers={"Authorization": f"Bearer {self.token}"}).body.decode()
        self.assertIn("<Key>z%26%3C</Key>", text)
        self.assertNotIn("b/1", text)
        with self.assertRaises(Failure) as raised:
            self.oracle.call("list", bucket="missing")
        self.assertEqual(raised.exception.status, 404)


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oracle = Oracle.of("gcs")
        cls.url = cls.oracle.description["endpoint"] + "/blobs/faulty"
        token = cls.oracle.call("accessToken", name="admin")["token"]
        cls.headers = {"Authorization": f"Bearer {token}"}
        cls.oracle.call("put", key="faulty", body=b"0123456789")

    def get(self, method="GET"):
        return send(self.url, method, self.headers)

    def test_status(self):
        fault = self.oracle.call("fault", match="GET /blobs/faulty", status=503, times=2, skip=1)
        self.assertEqual([self.get().status for _ in range(4)], [200, 503, 503, 200])
        self.assertEqual(self.oracle.call("faultHits", **fault)["hits"], 2)

    def test_broken_answers(self):
        self.oracle.call("fault", match="GET /blobs/faulty", cutAfterBytes=3)
        with self.assertRaises(Exception):
            self.get()
        self.oracle.call("fault", match="GET /blobs/faulty", corruptByteAt=3)
        self.assertEqual(self.get().body, b"0122456789")
        self.oracle.call("fault", match="PUT /blobs/faulty2", loseReply=True)
        with self.assertRaises(Exception):
            send(self.url + "2", "PUT", self.headers, b"there")
        self.assertEqual(self.oracle.call("get", key="faulty2")["body"], b"there")

    def test_record(self):
        before = len(self.oracle.call("requests", match="HEAD /blobs/faulty")["requests"])
        self.get("HEAD")
        found = self.oracle.call("requests", match="HEAD /blobs/faulty", atLeast=before + 1)
        self.assertEqual(found["requests"][-1]["headers"]["authorization"], "Bearer")


