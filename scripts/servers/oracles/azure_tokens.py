"""Where tokens of Entra come from: with a secret, for a workload, and for a machine.

Each principal has a server of its own, with its tenant in the path where there is one.
"""

import base64
import json
import secrets
import time
import urllib.parse

import google.auth.jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from oracles.azure_identities import RESOURCES
from oracles.gcs_errors import APIError, json_response
from oracles.gcs_identities import new_key, public_text

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_AUDIENCE = "api://AzureADTokenExchange"
SCOPE = "https://storage.azure.com/.default"
MACHINE_NAMES = {"client_id", "object_id", "msi_res_id", "mi_res_id", "principal_id"}


def refused(status, code, description):
    return APIError(status, {"error": code, "error_description": description})


class TokenService:
    def __init__(self, directory):
        self.directory = directory
        self.workload_key, self.forging_key = new_key(), new_key()
        self.workload_key_id = secrets.token_hex(8)

    def handler(self, principal):
        def answer(request):
            try:
                if request.path == f"/{principal.tenant}/oauth2/v2.0/token":
                    return self.entra(request, principal)
                if request.path == "/metadata/identity/oauth2/token":
                    return self.machine(request, principal)
                if request.path == "/msi/token":
                    return self.app_service(request, principal)
                raise refused(404, "not_found", "No such tenant or endpoint.")
            except APIError as error:
                return error.response()

        return answer

    def entra(self, request, principal):
        kind = (request.header("content-type") or "").split(";")[0]
        if request.method != "POST" or kind != "application/x-www-form-urlencoded":
            raise refused(400, "invalid_request", "AADSTS900144: a form is wanted.")
        text = bytes(request.body).decode("latin-1")
        form = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        if form.get("grant_type") != "client_credentials":
            raise refused(400, "unsupported_grant_type", "AADSTS70003")
        if form.get("client_id") != principal.client_id or principal.is_disabled:
            raise refused(400, "unauthorized_client", "AADSTS700016: no such application.")
        if form.get("scope") != SCOPE:
            raise refused(400, "invalid_scope", "AADSTS70011: the scope is not valid.")
        if "client_assertion" in form:
            self.check_assertion(form, principal)
        elif form.get("client_secret") != principal.client_secret:
            raise refused(401, "invalid_client", "AADSTS7000215: invalid client secret.")
        token, seconds = self.directory.issue(principal, "https://storage.azure.com")
        return json_response({
            "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds,
            "access_token": token,
        })  # fmt: skip

    def check_assertion(self, form, principal):
        """The token that a cluster gave to a workload, which must be for this application."""
        try:
            if form.get("client_assertion_type") != ASSERTION_TYPE:
                raise ValueError("client_assertion_type")
            claims = google.auth.jwt.decode(
                form["client_assertion"],
                certs={self.workload_key_id: public_text(self.workload_key)},
                audience=ASSERTION_AUDIENCE, clock_skew_in_seconds=30,
            )  # fmt: skip
            if claims.get("sub") != principal.name:
                raise ValueError("the subject is another")
        except (KeyError, TypeError, ValueError) as error:
            message = f"AADSTS700024: the client assertion is not valid: {error}"
            raise refused(401, "invalid_client", message) from error

    def workload_token(self, principal, seconds=3600, is_forged=False):
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": self.workload_key_id}
        claims = {
            "iss": "https://issuer.example", "sub": principal.name, "aud": ASSERTION_AUDIENCE,
            "iat": min(now, now + seconds), "exp": now + seconds,
        }  # fmt: skip
        text = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in (header, claims)
        )
        key = self.forging_key if is_forged else self.workload_key
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return text + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()

    def machine(self, request, principal):
        """The instance metadata service (IMDS)."""
        if request.header("metadata") != "true" or request.header("x-forwarded-for"):
            raise refused(400, "bad_request_102", "Required metadata header not specified")
        if request.method != "GET" or request.parameter("api-version") != "2018-02-01":
            raise refused(400, "bad_request_101", "api-version is missing or not supported")
        document = self.for_machine(request, principal)
        more = {"expires_in": str(principal.token_seconds), "not_before": str(int(time.time()))}
        return json_response(document | more | {"ext_expires_in": more["expires_in"]})

    def app_service(self, request, principal):
        if request.header("x-identity-header") != principal.identity_header:
            raise APIError(401, {"statusCode": 401, "message": "X-IDENTITY-HEADER is wrong"})
        if request.method != "GET" or request.parameter("api-version") != "2019-08-01":
            raise APIError(400, {"statusCode": 400, "message": "api-version"})
        return json_response(self.for_machine(request, principal))

    def for_machine(self, request, principal):
        resource = request.parameter("resource")
        if resource not in RESOURCES:
            raise refused(400, "invalid_resource", "AADSTS500011: the resource is not known.")
        known = {principal.client_id, principal.object_id, resource_id(principal)}
        asked = {value for name, value in request.parameters() if name in MACHINE_NAMES}
        if principal.is_disabled or not asked <= known:
            raise refused(400, "invalid_request", "Identity not found")
        token, seconds = self.directory.issue(principal, resource)
        return {
            "access_token": token, "client_id": principal.client_id, "resource": resource,
            "expires_on": str(int(time.time()) + seconds), "token_type": "Bearer",
        }  # fmt: skip


def resource_id(principal):
    return (
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/tests/providers/"
        f"Microsoft.ManagedIdentity/userAssignedIdentities/{principal.name}"
    )
