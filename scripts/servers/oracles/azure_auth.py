"""Finds out who sent a request, and what that allows."""

from oracles import azure_sas, azure_shared_key
from oracles.azure_errors import AzureError
from oracles.azure_identities import RESOURCES

# Letters of a signature, of which one must be there, for each thing to do.
LETTERS = {
    "read": "r", "write": "w", "create": "cw", "delete": "d", "list": "l",
    "container-create": "cw", "container-delete": "d", "container-read": "r",
}  # fmt: skip
RIGHTS = {
    "read": "read", "write": "write", "create": "write", "delete": "delete", "list": "read",
    "container-create": "container", "container-delete": "container",
    "container-read": "read",
}  # fmt: skip
KINDS = {"service": "s", "container": "c", "blob": "o"}


class Caller:
    """`letters` is None where no signature is, and `principal` where no user is behind it."""

    def __init__(self, kind, letters=None, principal=None, parts=None):
        self.kind = kind
        self.letters = letters
        self.principal = principal
        self.parts = parts or {}

    def may(self, action):
        if self.kind == "service" and action.startswith("container-"):
            # Only the account's own signature reaches containers themselves.
            return False
        if self.letters is not None and not set(self.letters) & set(LETTERS[action]):
            return False
        return self.principal is None or RIGHTS[action] in self.principal.rights

    def require(self, action):
        if not self.may(action):
            raise AzureError("AuthorizationPermissionMismatch")


def caller(request, account, directory, place, version=None):
    """The caller, or AzureError. `version` is that of the batch around the request."""
    authorization = request.header("authorization")
    parts = azure_sas.parsed(request)
    if authorization is not None and "sig" in parts:
        raise AzureError("InvalidAuthenticationInfo", 400)
    version = version or request.header("x-ms-version")
    if authorization is None:
        if "sig" not in parts:
            raise with_challenge("NoAuthenticationInformation")
        return by_signature(parts, request, account, directory, place)
    if version is None:
        raise AzureError("MissingRequiredHeader", HeaderName="x-ms-version")
    if authorization.startswith("Bearer "):
        return by_token(authorization.removeprefix("Bearer "), directory)
    azure_shared_key.check(request, account)
    return Caller("key")


def by_token(text, directory):
    token = directory.token(text)
    if token is None or token.resource not in RESOURCES:
        raise with_challenge("InvalidAuthenticationInfo")
    return Caller("token", principal=token.principal)


def by_signature(parts, request, account, directory, place):
    if "ss" in parts or "srt" in parts:
        letters = azure_sas.check_account(parts, request, account)
        level = "blob" if place[1] else "container" if place[0] else "service"
        # A list is of the container, whatever is in it.
        if KINDS[level] not in parts.get("srt", ""):
            raise AzureError("AuthorizationResourceTypeMismatch")
        return Caller("account", letters, None, parts)
    if "skoid" in parts:
        letters, user = azure_sas.check_delegation(parts, request, account, place, directory)
        return Caller("service", letters, user, parts)
    letters = azure_sas.check_service(parts, request, account, place)
    return Caller("service", letters, None, parts)


def with_challenge(code):
    error = AzureError(code)
    text = (
        "Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize "
        "resource_id=https://storage.azure.com"
    )
    error.headers.append(("WWW-Authenticate", text))
    return error
