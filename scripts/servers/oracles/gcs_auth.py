"""Finds out who sent a request: by a V4 signature in the URL, an access token, or a signed JWT."""

import calendar
import hashlib
import json
import re
import time
import urllib.parse

import google.auth.jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from oracles.gcs_errors import GCSError
from oracles.gcs_identities import SCOPES, SYSTEM_KEY_SECONDS, Identity, public_text, scopes_allow

ALGORITHM = "GOOG4-RSA-SHA256"
LONGEST_SECONDS = 7 * 24 * 3600
SKEW_SECONDS = 15 * 60
JWT_SKEW_SECONDS = 30
SIGNED_NAMES = (
    "X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires",
    "X-Goog-SignedHeaders", "X-Goog-Signature",
)  # fmt: skip
ANONYMOUS = Identity("Anonymous caller", set())


class Caller:
    """Who asks, and with which scopes; without scopes for a signature."""

    def __init__(self, identity, scopes=None):
        self.identity = identity
        self.scopes = scopes

    def may(self, permission):
        if permission not in self.identity.permissions:
            return False
        return self.scopes is None or scopes_allow(self.scopes, permission)

    def require(self, permission, resource):
        if not self.may(permission):
            who = self.identity.email or self.identity.name
            message = f"{who} does not have {permission} access to {resource}."
            raise GCSError("AccessDenied", message)


def caller(request, directory):
    """The caller of a storage request, or GCSError."""
    names = {name.lower() for name, _ in request.parameters()}
    is_signed = bool(names & {"x-goog-signature", "x-goog-algorithm"})
    authorization = request.header("authorization")
    if authorization is not None and is_signed:
        raise GCSError("InvalidArgument", "Two ways of authentication in one request.")
    if is_signed:
        return Caller(verified_signer(request, directory))
    if authorization is None:
        return Caller(ANONYMOUS)
    kind, _, text = authorization.partition(" ")
    if kind != "Bearer" or not text:
        raise GCSError("AuthenticationRequired", "Not a bearer token.")
    if text.count(".") == 2 and not text.startswith("ya29."):
        return self_signed(text, directory)
    token = directory.token(text)
    if token is None:
        raise GCSError("AuthenticationRequired", "The access token is unknown, revoked or expired.")
    return Caller(token.identity, token.scopes)


def self_signed(text, directory):
    """A JWT that a service account signed instead of asking for a token (GC-11)."""
    try:
        header = google.auth.jwt.decode_header(text)
        issuer = google.auth.jwt.decode(text, verify=False).get("iss")
        identity = directory.by_email[issuer]
        if header.get("alg") != "RS256" or identity.is_disabled:
            raise ValueError("not RS256, or the account is disabled")
        certificates = {identity.key_id: public_text(identity.key)}
        # Checks signature, key, iat and exp.
        claims = google.auth.jwt.decode(
            text, certs=certificates, clock_skew_in_seconds=JWT_SKEW_SECONDS
        )
        if claims.get("sub") != issuer:
            raise ValueError("sub is not iss")
        if claims["exp"] - claims["iat"] > 3600:
            raise ValueError("lives longer than an hour")
        if "scope" in claims:
            if "aud" in claims:
                raise ValueError("both aud and scope")
            return Caller(identity, set(claims["scope"].split()))
        if claims.get("aud") != "https://storage.googleapis.com/":
            raise ValueError("neither scope nor the right aud")
        return Caller(identity, {SCOPES + "cloud-platform"})
    except (KeyError, TypeError, ValueError, json.JSONDecodeError) as error:
        # All that google.auth raises here is a ValueError.
        raise GCSError("AuthenticationRequired", f"The JWT is not valid: {error}") from error


def verified_signer(request, directory):
    """The service account whose key made the signature in the URL."""
    given = signing_parameters(request)
    if given["X-Goog-Algorithm"] != ALGORITHM:
        raise GCSError("InvalidArgument", "X-Goog-Algorithm is not one that is served here.")
    parts = given["X-Goog-Credential"].rsplit("/", 4)
    if len(parts) != 5 or parts[3:] != ["storage", "goog4_request"] or not parts[2]:
        raise GCSError("InvalidArgument", "X-Goog-Credential is malformed.")
    signed_at = check_time(given, parts[1])
    identity = directory.by_email.get(parts[0])
    if identity is None or identity.is_disabled:
        raise GCSError("AccessDenied", f"{parts[0]} does not exist.")
    scope = "/".join(parts[1:])
    canonical = canonical_request(request, given["X-Goog-SignedHeaders"])
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    text = "\n".join([ALGORITHM, given["X-Goog-Date"], scope, digest])
    if not re.fullmatch("[0-9a-f]+", given["X-Goog-Signature"]):
        raise GCSError("SignatureDoesNotMatch", "The signature is not lower-case hexadecimal.")
    signature = bytes.fromhex(given["X-Goog-Signature"])
    keys = [identity.key]
    if time.time() < signed_at + SYSTEM_KEY_SECONDS:
        # What signBlob signed holds for twelve hours, whatever was asked for (GC-06).
        keys.append(identity.system_key)
    if not any(is_signed_by(key, signature, text.encode()) for key in keys):
        message = f"StringToSign: {text}\nCanonicalRequest: {canonical}"
        raise GCSError("SignatureDoesNotMatch", message)
    return identity


def is_signed_by(key, signature, data):
    try:
        key.public_key().verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        return True
    except InvalidSignature:
        return False


def signing_parameters(request):
    pairs = request.parameters()
    given = {}
    for name in SIGNED_NAMES:
        values = [value for key, value in pairs if key == name]
        if len(values) != 1 or not values[0]:
            raise GCSError("MissingSecurityHeader", f"{name} is wanted once.")
        given[name] = values[0]
    return given


def check_time(given, day):
    """Checks when it was signed and for how long; returns when."""
    try:
        signed_at = calendar.timegm(time.strptime(given["X-Goog-Date"], "%Y%m%dT%H%M%SZ"))
        seconds = int(given["X-Goog-Expires"])
    except ValueError as error:
        raise GCSError("InvalidArgument", "X-Goog-Date or X-Goog-Expires is malformed.") from error
    if not given["X-Goog-Date"].startswith(day + "T"):
        raise GCSError("InvalidArgument", "The dates in the credential and of the request differ.")
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise GCSError("InvalidArgument", "X-Goog-Expires is not between 1 and 604800.")
    now = time.time()
    if signed_at > now + SKEW_SECONDS:
        raise GCSError("RequestTimeTooSkewed", "X-Goog-Date is in the future.")
    if now >= signed_at + seconds:
        raise GCSError("ExpiredToken", "The provided token has expired.")
    return signed_at


def canonical_request(request, signed_names):
    """What the client must have signed, from the bytes that came."""
    names = signed_names.split(";")
    is_sorted = names == sorted({name.lower() for name in names})
    if not is_sorted or "host" not in names:
        message = "X-Goog-SignedHeaders is not sorted, or lacks host."
        raise GCSError("MalformedSecurityHeader", message)
    for name, _ in request.headers:
        if name.lower().startswith("x-goog-") and name.lower() not in names:
            raise GCSError("SignatureDoesNotMatch", f"{name} was sent but is not signed.")
    lines = []
    for name in names:
        value = request.header(name)
        if value is None:
            raise GCSError("MalformedSecurityHeader", f"{name} is signed but was not sent.")
        lines.append(f"{name}:{' '.join(value.split())}")
    payload = request.header("x-goog-content-sha256", "UNSIGNED-PAYLOAD")
    if "x-goog-content-sha256" in names and payload != "UNSIGNED-PAYLOAD":
        if payload != hashlib.sha256(request.body).hexdigest():
            raise GCSError("BadDigest", "x-goog-content-sha256")
    return "\n".join(
        [request.method, request.path, canonical_query(request), *lines, "", signed_names, payload]
    )


def canonical_query(request):
    """The pairs as they came, sorted. An encoding that is not the canonical one is refused."""
    pairs = []
    for item in request.query.split("&"):
        name, equals, value = item.partition("=")
        if name == "X-Goog-Signature":
            continue
        for text in (name, value):
            if urllib.parse.quote(urllib.parse.unquote_to_bytes(text), safe="-_.~") != text:
                message = f"{text} is not encoded as RFC 3986 has it."
                raise GCSError("SignatureDoesNotMatch", message)
        pairs.append((name, value))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
