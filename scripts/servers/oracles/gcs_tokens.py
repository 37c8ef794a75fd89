"""Google's endpoints for tokens: OAuth, exchange for workloads, IAM credentials, metadata server.

Each identity has paths of its own, so that tests can count and disturb the requests of one alone.
"""

import base64
import binascii
import json
import time
import urllib.parse

import google.auth.jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from oracles.content import utc
from oracles.gcs_errors import APIError, json_response
from oracles.gcs_identities import PROJECT, SCOPES, public_text
from oracles.wire import Response

AUDIENCES = ["https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token"]
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
SUBJECT_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:jwt"
JWT_SKEW_SECONDS = 30


def pool_audience(identity):
    return (
        "//iam.googleapis.com/projects/123456789012/locations/global"
        f"/workloadIdentityPools/pool/providers/{identity.name}"
    )


def oauth_error(code, description, status=400):
    return APIError(status, {"error": code, "error_description": description})


def google_error(status, reason, message):
    return APIError(status, {"error": {"code": status, "message": message, "status": reason}})


class TokenService:
    """Answers the paths below /_auth/NAME, and those of IAM credentials."""

    def __init__(self, directory):
        self.directory = directory
        # Seconds that new tokens of an identity live, where a test wants other than an hour.
        self.lifetimes = {}
        self.subject_tokens = {}

    def answer(self, request):
        try:
            return self.routed(request)
        except APIError as error:
            return error.response()

    def routed(self, request):
        if request.path.startswith("/v1/projects/-/serviceAccounts/"):
            return self.iam(request)
        words = request.path.split("/")
        identity = self.directory.identities.get(words[2]) if len(words) == 4 else None
        if identity is None:
            raise google_error(404, "NOT_FOUND", "No such endpoint.")
        action = {
            "token": self.oauth, "sts": self.exchange, "subject": self.subject_token,
        }.get(words[3])  # fmt: skip
        if action is None:
            raise google_error(404, "NOT_FOUND", "No such endpoint.")
        return action(request, identity)

    def issued(self, identity, scopes, **more):
        seconds = self.lifetimes.get(identity.name, 3600)
        token, lifetime = self.directory.issue(identity, scopes, seconds)
        document = {"access_token": token, "expires_in": lifetime, "token_type": "Bearer"}
        return json_response(document | more)

    def oauth(self, request, identity):
        form = read_form(request)
        if identity.is_disabled:
            raise oauth_error("invalid_grant", "Invalid grant: account not found")
        if form.get("grant_type") == "refresh_token":
            return self.refresh(form, identity)
        if form.get("grant_type") != JWT_BEARER:
            raise oauth_error("unsupported_grant_type", "Invalid grant_type")
        return self.assertion(form.get("assertion", ""), identity)

    def refresh(self, form, identity):
        client = (form.get("client_id"), form.get("client_secret"))
        if client != (identity.client_id, identity.client_secret):
            raise oauth_error("invalid_client", "The OAuth client was not found.", 401)
        if form.get("refresh_token") != identity.refresh_token:
            raise oauth_error("invalid_grant", "Token has been expired or revoked.")
        return self.issued(identity, {SCOPES + "cloud-platform"}, scope=SCOPES + "cloud-platform")

    def assertion(self, text, identity):
        try:
            if google.auth.jwt.decode_header(text).get("alg") != "RS256":
                raise ValueError("alg is not RS256")
            claims = google.auth.jwt.decode(
                text,
                certs={identity.key_id: public_text(identity.key)},
                audience=[*AUDIENCES, self.token_url(identity)],
                clock_skew_in_seconds=JWT_SKEW_SECONDS,
            )
            if claims.get("iss") != identity.email:
                raise ValueError("iss is another account")
            if claims["exp"] - claims["iat"] > 3600:
                raise ValueError("lives longer than an hour")
        except (KeyError, TypeError, ValueError) as error:
            raise oauth_error("invalid_grant", f"Invalid JWT: {error}") from error
        scopes = set(claims.get("scope", "").split())
        if not scopes:
            raise oauth_error("invalid_scope", "Empty or missing scope not allowed.")
        return self.issued(identity, scopes)

    def token_url(self, identity):
        return f"{self.origin}/_auth/{identity.name}/token"

    def exchange(self, request, identity):
        """The token of a workload outside Google becomes one of ours."""
        form = read_form(request)
        wanted = {
            "grant_type": EXCHANGE,
            "audience": pool_audience(identity),
            "requested_token_type": ACCESS_TOKEN_TYPE,
            "subject_token_type": SUBJECT_TOKEN_TYPE,
        }
        for name, value in wanted.items():
            if form.get(name) != value:
                raise oauth_error("invalid_request", f"Invalid value for {name}.")
        if not form.get("scope"):
            raise oauth_error("invalid_scope", "scope is missing")
        key = {self.directory.workload_key_id: public_text(self.directory.workload_key)}
        try:
            claims = google.auth.jwt.decode(
                form.get("subject_token", ""),
                certs=key,
                audience=pool_audience(identity),
                clock_skew_in_seconds=JWT_SKEW_SECONDS,
            )
            if claims.get("sub") != identity.name:
                raise ValueError("the subject is another")
        except (KeyError, TypeError, ValueError) as error:
            message = f"The subject token is not valid: {error}"
            raise oauth_error("invalid_grant", message) from error
        return self.issued(
            identity, set(form["scope"].split()), issued_token_type=ACCESS_TOKEN_TYPE
        )

    def workload_token(self, identity, seconds=3600, is_forged=False):
        """What a cluster or another cloud would hand to its workload."""
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": self.directory.workload_key_id}
        claims = {
            "iss": "https://issuer.example", "sub": identity.name, "aud": pool_audience(identity),
            "iat": min(now, now + seconds), "exp": now + seconds,
        }  # fmt: skip
        text = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in (header, claims)
        )
        key = self.directory.forging_key if is_forged else self.directory.workload_key
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return text + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()

    def subject_token(self, request, identity):
        """Where a URL-sourced credential gets its token."""
        if request.header("x-subject-secret") != identity.client_secret:
            raise google_error(403, "PERMISSION_DENIED", "The header is missing.")
        return json_response({"id_token": self.workload_token(identity)})

    def iam(self, request):
        rest = urllib.parse.unquote(request.path.removeprefix("/v1/projects/-/serviceAccounts/"))
        email, _, action = rest.rpartition(":")
        kind, _, text = (request.header("authorization") or "").partition(" ")
        token = self.directory.token(text) if kind == "Bearer" else None
        if token is None:
            raise google_error(401, "UNAUTHENTICATED", "Request had invalid credentials.")
        permission = {
            "signBlob": "iam.serviceAccounts.signBlob",
            "generateAccessToken": "iam.serviceAccounts.getAccessToken",
        }.get(action)
        if request.method != "POST" or permission is None:
            raise google_error(404, "NOT_FOUND", "No such method.")
        if not token.scopes & {SCOPES + "cloud-platform", SCOPES + "iam"}:
            message = "Request had insufficient authentication scopes."
            raise google_error(403, "PERMISSION_DENIED", message)
        target = self.directory.by_email.get(email)
        if target is None or target.is_disabled or target.name not in token.identity.may_act_as:
            message = f"Permission '{permission}' denied on resource (or it may not exist)."
            raise google_error(403, "PERMISSION_DENIED", message)
        try:
            document = json.loads(bytes(request.body))
            return json_response(getattr(self, action)(target, document))
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise google_error(400, "INVALID_ARGUMENT", f"Invalid request: {error}") from error

    def signBlob(self, target, document):
        payload = base64.b64decode(document["payload"], validate=True)
        signature = target.system_key.sign(payload, padding.PKCS1v15(), hashes.SHA256())
        return {
            "keyId": target.system_key_id,
            "signedBlob": base64.b64encode(signature).decode(),
        }

    def generateAccessToken(self, target, document):
        seconds = int(document.get("lifetime", "3600s").removesuffix("s"))
        if not 0 < seconds <= 3600 or not document["scope"]:
            raise ValueError("scope or lifetime")
        seconds = self.lifetimes.get(target.name, seconds)
        token, _ = self.directory.issue(target, set(document["scope"]), seconds)
        return {"accessToken": token, "expireTime": utc(time.time() + seconds, "")}

    def metadata(self, identity):
        """The handler of a metadata server whose default account is `identity`."""

        def answer(request):
            if request.header("metadata-flavor") != "Google" or request.header("x-forwarded-for"):
                return Response(403, [("Metadata-Flavor", "Google")], [b"Missing required header"])
            root = "/computeMetadata/v1/instance/service-accounts/"
            names = [root + name for name in ("default", identity.email)]
            if request.method != "GET":
                response = Response(405)
            elif request.path in [name + "/token" for name in names]:
                text = request.parameter("scopes", SCOPES + "cloud-platform")
                response = self.issued(identity, set(text.split(",")))
            elif request.path in [name + "/email" for name in names]:
                response = plain(identity.email)
            elif request.path in [name + "/" for name in names]:
                known = {"email": identity.email, "scopes": [SCOPES + "cloud-platform"]}
                response = json_response(known | {"aliases": ["default"]})
            elif request.path == "/computeMetadata/v1/project/project-id":
                response = plain(PROJECT)
            elif request.path == "/computeMetadata/v1/universe/universe-domain":
                response = plain("googleapis.com")
            else:
                response = plain("computeMetadata/", 200 if request.path == "/" else 404)
            response.set("Metadata-Flavor", "Google")
            response.set("Server", "Metadata Server for VM")
            return response

        return answer


def plain(text, status=200):
    return Response(status, [("Content-Type", "application/text")], [text.encode()])


def read_form(request):
    kind = (request.header("content-type") or "").split(";")[0]
    if request.method != "POST" or kind != "application/x-www-form-urlencoded":
        raise oauth_error("invalid_request", "A form is wanted.")
    text = bytes(request.body).decode("latin-1")
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
