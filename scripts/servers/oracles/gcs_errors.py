"""Errors as Google's services word them: XML from the XML API, JSON from the others."""

import json
from xml.sax.saxutils import escape

from oracles.wire import Response

CODES = {
    "AccessDenied": (403, "Access denied."),
    "AuthenticationRequired": (401, "Authentication required."),
    "BadDigest": (400, "The MD5 or CRC32C you specified did not match what we received."),
    "BucketAlreadyOwnedByYou": (409, "Your previous request to create the bucket succeeded."),
    "CustomerEncryptionKeyIsIncorrect": (400, "The provided encryption key is incorrect."),
    "EntityTooLarge": (400, "Your proposed upload exceeds the maximum allowed size."),
    "EntityTooSmall": (400, "Your proposed upload is smaller than the minimum allowed size."),
    "ExpiredToken": (400, "Invalid argument."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "InvalidArgument": (400, "Invalid argument."),
    "InvalidDigest": (400, "The Content-MD5 you specified was invalid."),
    "InvalidPart": (400, "One or more of the specified parts could not be found."),
    "InvalidPartOrder": (400, "The list of parts was not in ascending order."),
    "InvalidQueryParameterValue": (400, "Invalid query parameter value."),
    "InvalidRange": (416, "The requested range cannot be satisfied."),
    "InvalidSecurity": (403, "The provided security credentials are not valid."),
    "KeyTooLong": (400, "Your key is too long."),
    "MalformedSecurityHeader": (400, "Your request has a malformed header."),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "MissingSecurityHeader": (400, "Your request was missing a required header."),
    "NoSuchBucket": (404, "The specified bucket does not exist."),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchUpload": (404, "The requested upload was not found."),
    "NotImplemented": (400, "A header or query you provided requested something not implemented."),
    "PreconditionFailed": (412, "At least one of the pre-conditions you specified did not hold."),
    "ResourceIsEncryptedWithCustomerEncryptionKey": (
        400, "The resource is encrypted with a customer encryption key.",
    ),
    "ResourceNotEncryptedWithCustomerEncryptionKey": (
        400, "The resource is not encrypted with a customer encryption key.",
    ),
    "RequestTimeTooSkewed": (403, "The request time and the current time differ too much."),
    "ServiceUnavailable": (503, "We encountered an internal error. Please try again."),
    "SignatureDoesNotMatch": (403, "The signature we calculated is not the one you provided."),
    "SessionGone": (410, "The upload session is over."),
    "TooManyRequests": (429, "The rate of requests is too high."),
}  # fmt: skip


class GCSError(Exception):
    """A refusal by the XML API; `details` say why, as Google's own do."""

    def __init__(self, code, details="", **headers):
        super().__init__(f"{code}: {details}")
        self.code = code
        self.status, self.message = CODES[code]
        self.details = details
        self.headers = [(name.replace("_", "-"), value) for name, value in headers.items()]

    def response(self):
        answer = error_response(self.status, self.code, self.message, self.details)
        answer.headers += self.headers
        if self.status == 401:
            challenge = 'Bearer realm="https://accounts.google.com/"'
            answer.headers.append(("WWW-Authenticate", challenge))
        return answer


class APIError(Exception):
    """A refusal by one of the JSON services."""

    def __init__(self, status, document):
        super().__init__(str(document))
        self.status = status
        self.document = document

    def response(self):
        return json_response(self.document, self.status)


def error_response(status, code, message, details=""):
    text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{escape(code)}</Code>"
    text += f"<Message>{escape(message)}</Message>"
    if details:
        text += f"<Details>{escape(details)}</Details>"
    return xml_response(text + "</Error>", status)


def xml_response(text, status=200):
    headers = [("Content-Type", "application/xml; charset=UTF-8")]
    return Response(status, headers, [text.encode()])


def json_response(document, status=200):
    headers = [("Content-Type", "application/json; charset=UTF-8")]
    return Response(status, headers, [json.dumps(document).encode()])


def scripted_failure(request, status, code, message):
    """What a fault answers, in the shape of the service that was asked."""
    names = [name for name, (number, _) in CODES.items() if number == status]
    code = code or (names[0] if names else "InternalError")
    message = message or CODES.get(code, (0, "A fault of the tests."))[1]
    if request.path.startswith(("/_auth/", "/v1/projects/-/")):
        return json_response({"error": code, "error_description": message}, status)
    if "/storage/v1/" in request.path:
        return json_response({"error": {"code": status, "message": message}}, status)
    return error_response(status, code, message)
