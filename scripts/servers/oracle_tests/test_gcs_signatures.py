"""Signed URLs of Google's own client, and what happens when they are touched."""

import datetime
import unittest
import urllib.parse
from unittest import mock

import google.auth.iam
import google.auth.transport.requests
import google.oauth2.credentials
from google.cloud import storage
from google.oauth2 import service_account
from oracle_tests.harness import Oracle, send

NAMES = ["a b+ü", "plain", "a//b", "dot/./x/../y", "%2E#?&=;:@!$'()*,[]~ -_.", "q/%20", "🦊"]
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class Signatures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oracle = Oracle.of("gcs")
        cls.description = cls.oracle.description
        cls.credentials = cls.signer(cls.description["admin"])

    @staticmethod
    def signer(identity):
        path = identity["files"]["serviceAccount"]
        return service_account.Credentials.from_service_account_file(path)

    def url(self, name, credentials=None, method="GET", seconds=600, **more):
        client = storage.Client(project="p", credentials=credentials or self.credentials)
        return client.bucket("blobs").blob(name).generate_signed_url(
            version="v4", api_access_endpoint=self.description["endpoint"], method=method,
            expiration=datetime.timedelta(seconds=seconds), **more,
        )  # fmt: skip

    def test_names(self):
        for name in NAMES:
            with self.subTest(name):
                body = name.encode()
                self.assertEqual(send(self.url(name, method="PUT"), "PUT", body=body).status, 200)
                self.assertEqual(self.oracle.call("get", key=name)["body"], body)
                answer = send(self.url(name), headers={"Range": "bytes=0-0"})
                self.assertEqual((answer.status, answer.body), (206, body[:1]))
                self.assertEqual(send(self.url(name, method="DELETE"), "DELETE").status, 204)

    def test_tampering(self):
        self.oracle.call("put", key="signed", body=b"x")
        url = self.url("signed")
        self.assertEqual(send(url).status, 200)
        touched = {
            "other method": (url, "DELETE", {}),
            "other object": (url.replace("/signed?", "/signex?"), "GET", {}),
            "more of the query": (url + "&x=y", "GET", {}),
            "longer": (url.replace("X-Goog-Expires=600", "X-Goog-Expires=601"), "GET", {}),
            "other bytes": (url[:-1] + ("0" if url[-1] != "0" else "1"), "GET", {}),
            "header not signed": (url, "GET", {"x-goog-if-generation-match": "1"}),
            "same path, encoded otherwise": (url.replace("/signed?", "/%73igned?"), "GET", {}),
        }
        for reason, (target, method, headers) in touched.items():
            with self.subTest(reason):
                answer = send(target, method, headers)
                self.assertEqual((answer.status, answer.code), (403, "SignatureDoesNotMatch"))

    def test_signed_headers(self):
        headers = {"x-goog-if-generation-match": "0", "content-type": "text/plain"}
        url = self.url("once", method="PUT", headers=dict(headers))
        self.assertEqual(send(url, "PUT", headers | {"content-type": "text/html"}).status, 403)
        self.assertEqual(send(url, "PUT", {"content-type": "text/plain"}).status, 400)
        answer = send(url, "PUT", headers, b"1")
        self.assertEqual(answer.status, 200, answer.body)
        answer = send(url, "PUT", headers, b"2")
        self.assertEqual((answer.status, answer.code), (412, "PreconditionFailed"))

    def at(self, **ago):
        """Google's clock as the signing sees it."""
        past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**ago)
        stamp = past.strftime("%Y%m%dT%H%M%SZ")
        return mock.patch(
            "google.cloud.storage._signing.get_v4_now_dtstamps",
            lambda: (stamp, stamp[:8]),
        )

    def test_times(self):
        self.oracle.call("put", key="timed", body=b"x")
        with self.at(seconds=601):
            self.assertEqual(send(self.url("timed")).code, "ExpiredToken")
        with self.at(hours=13):
            self.assertEqual(send(self.url("timed", seconds=604800)).status, 200)
        with self.at(hours=-1):
            self.assertEqual(send(self.url("timed")).code, "RequestTimeTooSkewed")

    def test_permissions(self):
        reader = self.signer(self.description["reader"])
        self.oracle.call("put", key="read-only", body=b"x")
        self.assertEqual(send(self.url("read-only", reader)).status, 200)
        answer = send(self.url("read-only", reader, "PUT"), "PUT", body=b"y")
        self.assertEqual((answer.status, answer.code), (403, "AccessDenied"))
        # Another account's key under this account's name.
        reader._service_account_email = self.description["admin"]["email"]
        self.assertEqual(send(self.url("read-only", reader)).code, "SignatureDoesNotMatch")

    def test_multipart(self):
        url = self.url("parts", method="POST", query_parameters={"uploads": ""})
        answer = send(url, "POST")
        self.assertEqual(answer.status, 200)
        upload = answer.body.decode().partition("<UploadId>")[2].partition("</UploadId>")[0]
        query = {"partNumber": "1", "uploadId": upload}
        part = self.url("parts", method="PUT", query_parameters=query)
        answer = send(part, "PUT", body=b"x" * 1000)
        self.assertEqual(answer.status, 200)
        self.assertIn("etag", answer.headers)
        moved = part.replace("partNumber=1", "partNumber=2")
        self.assertEqual(send(moved, "PUT", body=b"x").code, "SignatureDoesNotMatch")
        query = {"uploadId": upload}
        abort = self.url("parts", method="DELETE", query_parameters=query)
        self.assertEqual(send(abort, "DELETE").status, 204)
        self.assertEqual(send(part, "PUT", body=b"x").code, "NoSuchUpload")

    def sign_blob_signer(self, identity, email):
        token = self.oracle.call("accessToken", name=identity["name"])["token"]
        credentials = google.oauth2.credentials.Credentials(token)
        request = google.auth.transport.requests.Request()
        signer = google.auth.iam.Signer(request, credentials, email)
        return service_account.Credentials(signer, email, "unused")

    def test_sign_blob(self):
        """What the service signs is good for twelve hours, though the URL asks for more (GC-06)."""
        identity = self.oracle.call("identity", role="reader", mayActAs=["admin"])
        endpoint = self.description["iamEndpoint"] + "/v1/projects/-/serviceAccounts/{}:signBlob"
        self.oracle.call("put", key="blob-signed", body=b"x")
        with mock.patch("google.auth.iam._IAM_SIGN_ENDPOINT", endpoint):
            signer = self.sign_blob_signer(identity, self.description["admin"]["email"])
            self.assertEqual(send(self.url("blob-signed", signer, seconds=604800)).status, 200)
            with self.at(hours=11, minutes=50):
                self.assertEqual(send(self.url("blob-signed", signer, seconds=604800)).status, 200)
            with self.at(hours=12, minutes=1):
                answer = send(self.url("blob-signed", signer, seconds=604800))
                self.assertEqual(answer.code, "SignatureDoesNotMatch")
            email = self.description["admin"]["email"]
            signer = self.sign_blob_signer(self.description["reader"], email)
            with self.assertRaisesRegex(Exception, "PERMISSION_DENIED|Permission"):
                self.url("blob-signed", signer)

    def test_not_canonical(self):
        """A plus for a space is refused even when it is signed so."""
        url = self.url("signed", query_parameters={"x": "a b"})
        self.assertIn("x=a%20b", url)
        self.assertEqual(send(url.replace("a%20b", "a+b")).code, "SignatureDoesNotMatch")
        credential = urllib.parse.quote(self.description["admin"]["email"], safe="")
        self.assertIn(credential, url)
