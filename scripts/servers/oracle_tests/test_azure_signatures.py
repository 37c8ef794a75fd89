"""Shared access signatures by Microsoft's clients, old and new, and what happens when touched."""

import base64
import datetime
import hashlib
import hmac
import itertools
import random
import unittest
import urllib.parse

from azure.storage.blob import (
    UserDelegationKey,
    generate_account_sas,
    generate_blob_sas,
    generate_container_sas,
)
from oracle_tests.harness import Oracle, send

NAMES = ["a b+ü", "plain", "a//b", "%2E#?&=;:@!$'()*,[]~ -_.", "q/%20", "é%41", "🦊/x"]
VERSION = {"x-ms-version": "2023-11-03"}
DAY = 24 * 3600


def at(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Signatures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.oracle = Oracle.of("azure")
        cls.description = cls.oracle.description
        cls.account, cls.key = cls.description["account"], cls.description["accountKey"]

    def url(self, name, query, container="blobs"):
        path = urllib.parse.quote(name, safe="/")
        return f"{self.description['endpoint']}/{container}/{path}?{query}"

    def delegation_key(self, who="admin", start=-300, end=DAY, version="2023-11-03"):
        token = self.oracle.call("accessToken", name=self.description[who]["name"])["token"]
        body = f"<KeyInfo><Start>{at(start)}</Start><Expiry>{at(end)}</Expiry></KeyInfo>"
        url = self.description["endpoint"] + "?restype=service&comp=userdelegationkey"
        headers = {"Authorization": f"Bearer {token}", "x-ms-version": version}
        answer = send(url, "POST", headers, body.encode())
        self.assertEqual(answer.status, 200, answer.body)
        names = {
            "signed_oid": "SignedOid", "signed_tid": "SignedTid", "signed_start": "SignedStart",
            "signed_expiry": "SignedExpiry", "signed_service": "SignedService",
            "signed_version": "SignedVersion", "value": "Value",
        }  # fmt: skip
        text = answer.body.decode()
        return {
            name: text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
            for name, tag in names.items()
        }

    def call_for(self, name, permission, key=None, **more):
        """A call to the client that signs for 2023-11-03."""
        call = {
            "kind": "blob", "account_name": self.account, "container_name": "blobs",
            "blob_name": name, "permission": permission, "expiry": at(600),
        }  # fmt: skip
        secret = {"user_delegation_key": key} if key else {"account_key": self.key}
        return call | secret | more

    def signed(self, *arguments, **more):
        calls = [self.call_for(*arguments, **more)]
        return self.oracle.call("sign", calls=calls)["tokens"][0]

    def test_names(self):
        """AZ-02: the decoded name is signed, whatever the URL looks like."""
        key = self.delegation_key()
        for name, secret in itertools.product(NAMES, (None, key)):
            with self.subTest(name, delegated=bool(secret)):
                self.oracle.call("put", key=name, body=name.encode())
                url = self.url(name, self.signed(name, "r", secret, start=at(-60)))
                self.assertIn("sv=2023-11-03", url)
                answer = send(url)
                self.assertEqual((answer.status, answer.body), (200, name.encode()), answer.body)

    def test_rewritten_names(self):
        """Both slashes are one and dots are resolved, for what is stored and what is signed."""
        for name, stored in (("r\\b", "r/b"), ("r/./b", "r/b"), ("r\\x\\..\\b", "r/b")):
            with self.subTest(name):
                self.oracle.call("put", key=stored, body=b"x")
                self.assertEqual(send(self.url(name, self.signed(stored, "r"))).body, b"x")
                answer = send(self.url(name, self.signed(name, "r")))
                self.assertEqual(answer.code, "AuthenticationFailed")
                put = {"x-ms-blob-type": "BlockBlob"}
                url = self.url(name, self.signed(stored, "w"))
                self.assertEqual(send(url, "PUT", put, b"y").status, 201)
                self.assertEqual(self.oracle.call("get", key=stored)["body"], b"y")

    def test_many_names(self):
        """Hundreds of names, with all fields that there are, by the client for 2023-11-03."""
        source = random.Random(4)
        letters = "abc /%+é&=?#.:ü🦊'()"
        names = {"".join(source.choices(letters, k=12)).strip("/ ") or "x" for _ in range(200)}
        key = self.delegation_key()
        more = {
            "start": at(-60), "ip": "127.0.0.1", "protocol": "https,http",
            "cache_control": "no-store", "content_disposition": "inline; x=y",
            "content_encoding": "identity", "content_language": "de", "content_type": "text/x; y",
        }  # fmt: skip
        calls = [
            self.call_for(name, "r", secret, **more)
            for name, secret in itertools.product(names, (None, key))
        ]
        tokens = self.oracle.call("sign", calls=calls)["tokens"]
        for call, token in zip(calls, tokens):
            name = call["blob_name"]
            answer = send(self.url(name, token), "HEAD", VERSION)
            self.assertEqual(answer.headers["x-ms-error-code"], "BlobNotFound", name)
            answer = send(self.url(name + "x", token), "HEAD", VERSION)
            self.assertEqual(answer.headers["x-ms-error-code"], "AuthenticationFailed", name)

    def test_newest_client(self):
        """The newest client signs other versions, whose layouts the oracle knows too."""
        self.oracle.call("put", key="newest", body=b"x")
        expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        key = UserDelegationKey()
        for name, value in self.delegation_key(version="2026-10-06").items():
            setattr(key, name, value)
        for more in ({"account_key": self.key}, {"user_delegation_key": key}):
            token = generate_blob_sas(
                self.account, "blobs", "newest", permission="r", expiry=expiry, **more
            )
            self.assertEqual(send(self.url("newest", token)).status, 200)
            token = generate_container_sas(
                self.account, "blobs", permission="rl", expiry=expiry, **more
            )
            self.assertEqual(send(self.url("newest", token)).status, 200)
            listed = f"{self.description['endpoint']}/blobs?restype=container&comp=list&{token}"
            self.assertEqual(send(listed).status, 200)
        token = generate_account_sas(self.account, self.key, "o", "r", expiry)
        self.assertEqual(send(self.url("newest", token)).status, 200)
        self.assertEqual(
            send(f"{self.description['endpoint']}/blobs?restype=container&comp=list&{token}").code,
            "AuthorizationResourceTypeMismatch",
        )

    def test_tampering(self):
        self.oracle.call("put", key="touched", body=b"x")
        key = self.delegation_key()
        for secret in (None, key):
            token = self.signed("touched", "r", secret)
            self.assertEqual(send(self.url("touched", token)).status, 200)
            parts = dict(urllib.parse.parse_qsl(token))
            for name in parts:
                with self.subTest(name, delegated=bool(secret)):
                    value = {"se": at(900), "sp": "rw", "sr": "c", "sv": "2022-11-02", "sks": "q"}
                    value |= {"skt": at(-500), "ske": at(2 * DAY), "skv": "2022-11-02"}
                    first = "B" if parts[name][0] == "A" else "A"
                    changed = parts | {name: value.get(name, first + parts[name][1:])}
                    answer = send(self.url("touched", urllib.parse.urlencode(changed)))
                    self.assertEqual((answer.status, answer.code), (403, "AuthenticationFailed"))
            # A plus that is not encoded is a space.
            while "%2B" not in token:
                token = self.signed("touched", "r", secret, content_type=str(random.random()))
            self.assertEqual(send(self.url("touched", token.replace("%2B", "+"))).status, 403)
            self.assertEqual(send(self.url("touched", token + "&sp=r")).status, 403)

    def test_times(self):
        self.oracle.call("put", key="timed", body=b"x")
        for more in ({"expiry": at(-1)}, {"start": at(60)}):
            answer = send(self.url("timed", self.signed("timed", "r", **more)))
            self.assertEqual((answer.status, answer.code), (403, "AuthenticationFailed"))
        # AZ-13: not longer than the key.
        key = self.delegation_key(end=3600)
        token = self.signed("timed", "r", key, expiry=at(3700))
        self.assertEqual(send(self.url("timed", token)).status, 403)
        self.assertEqual(send(self.url("timed", self.signed("timed", "r", key))).status, 200)
        url = self.url("timed", self.signed("timed", "r", protocol="https"))
        self.assertEqual(send(url).code, "AuthorizationProtocolMismatch")
        plain, encrypted = self.description["endpoint"], self.description["tlsEndpoint"]
        trusted = self.description["certificateAuthorityFile"]
        self.assertEqual(send(url.replace(plain, encrypted), trusted=trusted).status, 200)
        answer = send(self.url("timed", self.signed("timed", "r", ip="10.0.0.1")))
        self.assertEqual(answer.code, "AuthorizationSourceIPMismatch")

    def test_letters(self):
        self.oracle.call("put", key="letters", body=b"x")
        block = "&comp=block&blockid=" + urllib.parse.quote(base64.b64encode(b"1"))
        put = {"x-ms-blob-type": "BlockBlob"}
        wanted = {
            ("GET", "", "r"): 200, ("GET", "", "w"): 403, ("PUT", block, "w"): 201,
            ("PUT", block, "c"): 403, ("PUT", block, "r"): 403, ("PUT", "", "c"): 403,
            ("PUT", "", "w"): 201, ("DELETE", "", "w"): 403, ("DELETE", "", "d"): 202,
            ("PUT", "", "rc"): 201,
        }  # fmt: skip
        for (method, query, letters), status in wanted.items():
            with self.subTest(method + query, letters=letters):
                url = self.url("letters", self.signed("letters", letters) + query)
                headers = put if method == "PUT" and not query else {}
                body = b"y" if method == "PUT" else None
                answer = send(url, method, headers, body)
                self.assertEqual(answer.status, status, answer.body)
                if status == 403:
                    self.assertEqual(answer.code, "AuthorizationPermissionMismatch")

    def test_users(self):
        """A user's signature allows no more than the user may."""
        self.oracle.call("put", key="delegated", body=b"x")
        for who, status in (("admin", 201), ("reader", 403)):
            token = self.signed("delegated", "rw", self.delegation_key(who))
            self.assertEqual(send(self.url("delegated", token)).status, 200)
            headers = {"x-ms-blob-type": "BlockBlob"}
            answer = send(self.url("delegated", token), "PUT", headers, b"y")
            self.assertEqual(answer.status, status)
        other = self.oracle.call("principal", role="worker")
        token = self.oracle.call("accessToken", name=other["name"])["token"]
        url = self.description["endpoint"] + "?restype=service&comp=userdelegationkey"
        body = f"<KeyInfo><Start>{at(0)}</Start><Expiry>{at(60)}</Expiry></KeyInfo>".encode()
        headers = {"Authorization": f"Bearer {token}"} | VERSION
        answer = send(url, "POST", headers, body)
        self.assertEqual(answer.code, "AuthorizationPermissionMismatch")
        body = f"<KeyInfo><Start>{at(0)}</Start><Expiry>{at(8 * DAY)}</Expiry></KeyInfo>".encode()
        token = self.oracle.call("accessToken", name="admin")["token"]
        headers = {"Authorization": f"Bearer {token}"} | VERSION
        self.assertEqual(send(url, "POST", headers, body).status, 400)


class SharedKey(unittest.TestCase):
    """By hand, from the documentation; Microsoft's client is in the other tests."""

    @classmethod
    def setUpClass(cls):
        cls.oracle = Oracle.of("azure")
        cls.description = cls.oracle.description
        cls.oracle.call("put", key="a b", body=b"0123456789")

    def sent(self, lines, headers, key=None, target="/blobs/a%20b"):
        date = datetime.datetime.now(datetime.timezone.utc)
        date = date.strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = {"x-ms-date": date} | VERSION | headers
        text = lines.format(date=headers["x-ms-date"])
        key = base64.b64decode(key or self.description["accountKey"])
        signature = base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()
        headers["Authorization"] = f"SharedKey testaccount:{signature}"
        return send(self.description["endpoint"] + target, "GET", headers)

    def test_documented(self):
        """The range has a line, the account stands twice, and the path is as it was sent."""
        resource = "/testaccount/testaccount/blobs/a%20b"
        plain = "GET" + "\n" * 12 + "x-ms-date:{date}\nx-ms-version:2023-11-03\n" + resource
        self.assertEqual(self.sent(plain, {}).status, 200)
        self.assertEqual(self.sent(plain, {}, base64.b64encode(b"x" * 64).decode()).status, 403)
        self.assertEqual(self.sent(plain.replace("a%20b", "a b"), {}).status, 403)
        self.assertEqual(self.sent(plain.replace("GET", "PUT"), {}).status, 403)
        ranged = plain.replace("\n" * 12, "\n" * 11 + "bytes=0-1\n")
        answer = self.sent(ranged, {"Range": "bytes=0-1"})
        self.assertEqual((answer.status, answer.body), (206, b"01"))
        self.assertEqual(self.sent(plain, {"Range": "bytes=0-1"}).status, 403)
        self.assertEqual(self.sent(plain, {"x-ms-range": "bytes=0-1"}).status, 403)
        ranged = plain.replace("x-ms-version", "x-ms-range:bytes=0-1\nx-ms-version")
        self.assertEqual(self.sent(ranged, {"x-ms-range": "bytes=0-1"}).status, 206)
        old = {"x-ms-date": "Mon, 01 Jan 2024 00:00:00 GMT"}
        self.assertEqual(self.sent(plain, old).code, "AuthenticationFailed")

    def test_query(self):
        """Names and values decoded, sorted, and several of one name joined."""
        head = "GET" + "\n" * 12 + "x-ms-date:{date}\nx-ms-version:2023-11-03\n"
        resource = "/testaccount/testaccount/blobs"
        text = head + resource + "\ncomp:list\nprefix:a b\nrestype:container"
        target = "/blobs?restype=container&prefix=a%20b&comp=list"
        self.assertEqual(self.sent(text, {}, None, target).status, 200)
        text = head + resource + "\ncomp:list\ninclude:copy,metadata\nrestype:container"
        target = "/blobs?restype=container&include=metadata&include=copy&comp=list"
        self.assertEqual(self.sent(text, {}, None, target).status, 200)
