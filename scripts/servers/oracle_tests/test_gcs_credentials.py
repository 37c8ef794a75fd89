"""Google's own credentials against the token endpoints, and tokens that must be refused."""

import contextlib
import time
import unittest
from unittest import mock

import google.auth
import google.auth.compute_engine
import google.auth.compute_engine._metadata
import google.auth.crypt
import google.auth.exceptions
import google.auth.external_account as external_account
import google.auth.iam
import google.auth.jwt
import google.auth.transport.requests
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account
from oracle_tests.harness import Oracle, send

# Otherwise a loader asks Google for the name of the project.
external_account.Credentials.get_project_id = lambda *_, **__: None

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
PLATFORM = "https://www.googleapis.com/auth/cloud-platform"


class Credentials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oracle = Oracle.of("gcs")
        cls.endpoint = cls.oracle.description["endpoint"]
        cls.oracle.call("put", key="secret", body=b"x")
        cls.request = google.auth.transport.requests.Request()

    def status(self, token, method="GET", key="secret", headers=()):
        headers = {"Authorization": f"Bearer {token}"} | dict(headers)
        return send(f"{self.endpoint}/blobs/{key}", method, headers).status

    def refreshed(self, credentials):
        credentials.refresh(self.request)
        return self.status(credentials.token)

    def test_files(self):
        # Google's library takes only the account's name from the file, and no other endpoint.
        endpoint = self.endpoint + "/v1/projects/-/serviceAccounts/{}:generateAccessToken"
        with mock.patch.object(google.auth.iam, "_IAM_ENDPOINT", endpoint):
            self.check_files()

    def check_files(self):
        identity = self.oracle.call("identity", role="reader", mayActAs=["admin"])
        for name, path in identity["files"].items():
            with self.subTest(name):
                if name in ("authorizedUser", "impersonatedServiceAccount"):
                    # Google's loader takes no other endpoint than Google's for users.
                    patched = mock.patch.object(
                        user_credentials, "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", identity["tokenURI"]
                    )
                else:
                    patched = contextlib.nullcontext()
                with patched:
                    credentials, _ = google.auth.load_credentials_from_file(path, scopes=[PLATFORM])
                    self.assertEqual(self.refreshed(credentials), 200)
                can_write = "mpersonated" in name
                status = self.status(credentials.token, "PUT", f"by-{name}")
                self.assertEqual(status, 200 if can_write else 403)

    def test_metadata_server(self):
        identity = self.oracle.call("identity", role="reader")
        with mock.patch.object(
            google.auth.compute_engine._metadata, "_GCE_METADATA_HOST", identity["metadataHost"]
        ):
            credentials = google.auth.compute_engine.Credentials(scopes=[PLATFORM])
            self.assertEqual(self.refreshed(credentials), 200)
            self.assertEqual(credentials.service_account_email, identity["email"])
        path = "/computeMetadata/v1/instance/service-accounts/default/token"
        url = f"http://{identity['metadataHost']}{path}"
        self.assertEqual(send(url).status, 403)
        answer = send(url, headers={"Metadata-Flavor": "Google"})
        self.assertEqual((answer.status, answer.headers["metadata-flavor"]), (200, "Google"))

    def test_self_signed(self):
        path = self.oracle.description["admin"]["files"]["serviceAccount"]
        credentials = service_account.Credentials.from_service_account_file(path, scopes=[SCOPE])
        credentials = credentials.with_always_use_jwt_access(True)
        credentials._create_self_signed_jwt(None)
        self.assertEqual(self.refreshed(credentials), 200)
        self.assertEqual(credentials.token.count("."), 2)
        self.assertEqual(self.status(credentials.token[:-3] + "AAA"), 401)

    def test_self_signed_claims(self):
        path = self.oracle.description["admin"]["files"]["serviceAccount"]
        signer = google.auth.crypt.RSASigner.from_service_account_file(path)
        email, now = self.oracle.description["admin"]["email"], int(time.time())
        good = {"iss": email, "sub": email, "iat": now, "exp": now + 3600, "scope": SCOPE}
        cases = {
            "good": (good, 200),
            "expired": (good | {"iat": now - 4000, "exp": now - 400}, 401),
            "from the future": (good | {"iat": now + 400, "exp": now + 900}, 401),
            "too long": (good | {"exp": now + 3700}, 401),
            "other subject": (good | {"sub": "x@example.com"}, 401),
            "unknown issuer": (good | {"iss": "x@example.com", "sub": "x@example.com"}, 401),
            "aud and scope": (good | {"aud": "https://storage.googleapis.com/"}, 401),
            "reads only": (good | {"scope": SCOPE.replace("read_write", "read_only")}, 200),
            "scope of another service": (good | {"scope": PLATFORM + ".other"}, 403),
        }
        for name, (claims, status) in cases.items():
            with self.subTest(name):
                token = google.auth.jwt.encode(signer, claims).decode()
                self.assertEqual(self.status(token), status)
        token = google.auth.jwt.encode(signer, cases["reads only"][0]).decode()
        self.assertEqual(self.status(token, "PUT"), 403)

    def test_tokens(self):
        identity = self.oracle.call("identity", role="admin")
        token = self.oracle.call("accessToken", name=identity["name"])["token"]
        self.assertEqual(self.status(token), 200)
        self.oracle.call("revoke", name=identity["name"])
        self.assertEqual(self.status(token), 401)
        old = self.oracle.call("accessToken", name=identity["name"], seconds=-1)["token"]
        self.assertEqual(self.status(old), 401)
        self.assertEqual(self.status("ya29.unknown"), 401)
        answer = send(f"{self.endpoint}/blobs/secret")
        self.assertEqual((answer.status, answer.code), (403, "AccessDenied"))

    def test_refused_grants(self):
        identity = self.oracle.call("identity", role="admin")
        other = self.oracle.call("identity", role="admin")
        credentials = service_account.Credentials.from_service_account_file(
            other["files"]["serviceAccount"], scopes=[SCOPE]
        )
        credentials._token_uri = identity["tokenURI"]
        with self.assertRaises(google.auth.exceptions.RefreshError):
            credentials.refresh(self.request)
        token = self.oracle.call("subjectToken", name=identity["name"], isForged=True)["token"]
        with open(identity["subjectTokenFile"], "w") as file:
            file.write(token)
        credentials, _ = google.auth.load_credentials_from_file(
            identity["files"]["externalAccountFile"], scopes=[PLATFORM]
        )
        with self.assertRaises(google.auth.exceptions.OAuthError):
            credentials.refresh(self.request)
        token = self.oracle.call("subjectToken", name=identity["name"], seconds=-100)["token"]
        with open(identity["subjectTokenFile"], "w") as file:
            file.write(token)
        with self.assertRaises(google.auth.exceptions.OAuthError):
            credentials.refresh(self.request)
        self.oracle.call("setIdentity", name=identity["name"], isDisabled=True)
        credentials = service_account.Credentials.from_service_account_file(
            identity["files"]["serviceAccount"], scopes=[SCOPE]
        )
        with self.assertRaises(google.auth.exceptions.RefreshError):
            credentials.refresh(self.request)

    def test_who_may_not_list_is_not_told(self):
        """GC-09."""
        identity = self.oracle.call("identity", role="getter")
        token = self.oracle.call("accessToken", name=identity["name"])["token"]
        self.assertEqual(self.status(token), 200)
        self.assertEqual(self.status(token, key="missing"), 403)
        identity = self.oracle.call("identity", role="creator")
        token = self.oracle.call("accessToken", name=identity["name"])["token"]
        self.assertEqual(self.status(token, "PUT", "made-once"), 200)
        self.assertEqual(self.status(token, "PUT", "made-once"), 403)
