"""Uploads in order, copies by "rewrite", and keys that the client keeps."""

import base64
import hashlib
import json
import os
import unittest

from oracle_tests.harness import Failure, Oracle, send

from oracles.gcs_client import client_for

UNIT = 256 * 1024
MEBIBYTE = 1 << 20


def key_headers(key, prefix="x-goog-encryption-"):
    return {
        prefix + "algorithm": "AES256",
        prefix + "key": base64.b64encode(key).decode(),
        prefix + "key-sha256": base64.b64encode(hashlib.sha256(key).digest()).decode(),
    }


class Uploads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oracle = Oracle.of("gcs")
        cls.endpoint = cls.oracle.description["endpoint"]
        cls.token = cls.oracle.call("accessToken", name="admin")["token"]

    def xml(self, target, method="GET", headers=(), body=None):
        authorized = {"Authorization": f"Bearer {self.token}"} | dict(headers)
        return send(self.endpoint + "/blobs" + target, method, authorized, body)

    def start(self, key, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.xml(f"/{key}", "POST", headers | {"x-goog-resumable": "start"})
        self.assertEqual(answer.status, 201)
        return answer.headers["location"]

    def proceed(self, session, content_range, body=b"", method="PUT"):
        # Whoever has the session's name needs nothing else.
        return send(session, method, {"Content-Range": content_range}, body)

    def test_in_order(self):
        session = self.start("ordered", Content_Type="text/o")
        body = os.urandom(2 * UNIT + 7)
        self.assertNotIn("range", self.proceed(session, "bytes */*").headers)
        first = self.proceed(session, f"bytes 0-{UNIT - 1}/*", body[:UNIT])
        self.assertEqual((first.status, first.headers["range"]), (308, f"bytes=0-{UNIT - 1}"))
        # Again, and more: what is there is ignored.
        more = self.proceed(session, f"bytes 0-{2 * UNIT - 1}/*", body[: 2 * UNIT])
        self.assertEqual(more.headers["range"], f"bytes=0-{2 * UNIT - 1}")
        odd = self.proceed(session, f"bytes {2 * UNIT}-{2 * UNIT + 1}/*", b"xy")
        self.assertEqual(odd.status, 400)
        self.assertEqual(self.xml("/ordered").code, "NoSuchKey")
        self.assertEqual(len(self.oracle.call("sessions", prefix="ordered")["sessions"]), 1)
        last = f"bytes {2 * UNIT}-{len(body) - 1}/{len(body)}"
        done = self.proceed(session, last, body[2 * UNIT :])
        self.assertEqual((done.status, done.headers["etag"][0]), (200, '"'))
        # Its answer is given again.
        again = self.proceed(session, last, body[2 * UNIT :])
        self.assertEqual(again.headers["x-goog-generation"], done.headers["x-goog-generation"])
        self.assertEqual(self.oracle.call("get", key="ordered")["body"], body)
        self.assertEqual(self.oracle.call("head", key="ordered")["contentType"], "text/o")

    def test_condition(self):
        """GC-07: when the last byte is there."""
        session = self.start("contested", x_goog_if_generation_match="0")
        self.oracle.call("put", key="contested", body=b"first")
        self.assertEqual(self.proceed(session, "bytes 0-0/1", b"x").code, "PreconditionFailed")
        self.assertEqual(self.oracle.call("get", key="contested")["body"], b"first")

    def test_given_up(self):
        session = self.start("given-up")
        self.assertEqual(self.proceed(session, "bytes */*", method="DELETE").status, 499)
        self.assertEqual(self.proceed(session, "bytes 0-0/1", b"x").status, 410)

    def test_googles_client(self):
        path = self.oracle.description["admin"]["files"]["serviceAccount"]
        blob = client_for(self.endpoint, path).bucket("blobs").blob("resumed ü")
        body = os.urandom(9 * MEBIBYTE)
        blob.chunk_size = MEBIBYTE
        blob.upload_from_string(body, content_type="text/r")
        self.assertEqual(self.oracle.call("get", key="resumed ü")["body"], body)
        other = client_for(self.endpoint, path).bucket("blobs").blob("rewritten")
        self.oracle.call("setRewrite", byteCount=4 * MEBIBYTE)
        token, written, total = other.rewrite(blob)
        self.assertEqual((written, total), (4 * MEBIBYTE, len(body)))
        while token is not None:
            token, written, total = other.rewrite(blob, token=token)
        self.oracle.call("setRewrite")
        self.assertEqual(self.oracle.call("get", key="rewritten")["body"], body)
        self.assertEqual(other.content_type, "text/r")

    def test_no_conditions_on_parts(self):
        """GC-07."""
        for target, method in (
            ("/x?uploads", "POST"), ("/x?uploadId=y", "POST"), ("/x?partNumber=1&uploadId=y", "PUT")
        ):  # fmt: skip
            answer = self.xml(target, method, {"x-goog-if-generation-match": "0"})
            self.assertEqual((answer.status, answer.code), (400, "NotImplemented"))

    def rewrite(self, source, target, query="", body=b"", headers=()):
        url = f"{self.endpoint}/storage/v1/b/blobs/o/{source}/rewriteTo/b/blobs/o/{target}{query}"
        return send(url, "POST", {"Authorization": f"Bearer {self.token}"} | dict(headers), body)

    def test_rewrite(self):
        self.oracle.call("put", key="from", body=b"1", contentType="text/f", metadata={"a": "b"})
        generation = self.oracle.call("head", key="from")["generation"]
        answer = self.rewrite("from", "to", f"?ifSourceGenerationMatch={generation}")
        self.assertTrue(json.loads(answer.body)["done"])
        head = self.oracle.call("head", key="to")
        self.assertEqual((head["contentType"], head["metadata"]), ("text/f", {"a": "b"}))
        self.assertEqual(self.rewrite("from", "to", "?ifGenerationMatch=0").status, 412)
        self.assertEqual(self.rewrite("from", "to", "?ifSourceGenerationMatch=1").status, 412)
        self.assertEqual(self.rewrite("missing", "to").status, 404)
        body = json.dumps({"storageClass": "NEARLINE", "contentType": "text/g"}).encode()
        self.assertEqual(self.rewrite("from", "from", body=body).status, 200)
        head = self.oracle.call("head", key="from")
        self.assertEqual((head["contentType"], head["metadata"]), ("text/g", {}))
        self.assertEqual(self.xml("/from").headers["x-goog-storage-class"], "NEARLINE")

    def test_customer_keys(self):
        key, other = os.urandom(32), os.urandom(32)
        self.assertEqual(self.xml("/secret", "PUT", key_headers(key), b"hidden").status, 200)
        self.assertEqual(self.xml("/secret", headers=key_headers(key)).body, b"hidden")
        code = "ResourceIsEncryptedWithCustomerEncryptionKey"
        self.assertEqual(self.xml("/secret").code, code)
        code = "CustomerEncryptionKeyIsIncorrect"
        self.assertEqual(self.xml("/secret", headers=key_headers(other)).code, code)
        self.assertEqual(self.xml("/open", "PUT", body=b"x").status, 200)
        code = "ResourceNotEncryptedWithCustomerEncryptionKey"
        self.assertEqual(self.xml("/open", headers=key_headers(key)).code, code)
        source = key_headers(key, "x-goog-copy-source-encryption-")
        copied = self.rewrite("secret", "copied", headers=source | key_headers(other))
        self.assertEqual(copied.status, 200)
        self.assertEqual(self.xml("/copied", headers=key_headers(other)).body, b"hidden")
        self.assertEqual(self.rewrite("secret", "copied").status, 400)
        with self.assertRaises(Failure):
            self.oracle.call("get", key="secret")


if __name__ == "__main__":
    unittest.main()
