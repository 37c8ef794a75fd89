"""Errors as Azure's services word them."""

import uuid
from xml.sax.saxutils import escape

from oracles.content import http_date
from oracles.wire import Response

# The service begins its XML with it.
MARK = b"\xef\xbb\xbf"
CODES = {
    "AuthenticationFailed": 403,
    "AuthorizationFailure": 403,
    "AuthorizationPermissionMismatch": 403,
    "AuthorizationProtocolMismatch": 403,
    "AuthorizationResourceTypeMismatch": 403,
    "AuthorizationServiceMismatch": 403,
    "AuthorizationSourceIPMismatch": 403,
    "BlobAlreadyExists": 409,
    "BlobArchived": 409,
    "BlobNotFound": 404,
    "BlockCountExceedsLimit": 409,
    "BlockListTooLong": 400,
    "CannotVerifyCopySource": 404,
    "ConditionNotMet": 412,
    "ContainerAlreadyExists": 409,
    "ContainerNotFound": 404,
    "Crc64Mismatch": 400,
    "InternalError": 500,
    "InvalidAuthenticationInfo": 401,
    "InvalidBlobOrBlock": 400,
    "InvalidBlockId": 400,
    "InvalidBlockList": 400,
    "InvalidHeaderValue": 400,
    "InvalidInput": 400,
    "InvalidMd5": 400,
    "InvalidMetadata": 400,
    "InvalidQueryParameterValue": 400,
    "InvalidRange": 416,
    "InvalidResourceName": 400,
    "InvalidUri": 400,
    "InvalidXmlDocument": 400,
    "Md5Mismatch": 400,
    "MissingContentLengthHeader": 411,
    "MissingRequiredHeader": 400,
    "MissingRequiredQueryParameter": 400,
    "NoAuthenticationInformation": 401,
    "OperationTimedOut": 500,
    "OutOfRangeInput": 400,
    "RequestBodyTooLarge": 413,
    "ResourceNotFound": 404,
    "ServerBusy": 503,
    "SnapshotsPresent": 409,
    "SourceConditionNotMet": 412,
    "TooManyRequests": 429,
    "UnsupportedHttpVerb": 405,
    "UnsupportedQueryParameter": 400,
}


class AzureError(Exception):
    """A refusal. `details` are elements of the answer, such as AuthenticationErrorDetail."""

    def __init__(self, code, status=None, **details):
        super().__init__(code)
        self.code = code
        self.status = status or CODES[code]
        self.details = details
        self.headers = []

    def response(self):
        answer = error_response(self.status, self.code, self.code, self.details)
        answer.headers += self.headers
        return answer


def bad_header(name, value=""):
    return AzureError("InvalidHeaderValue", HeaderName=name, HeaderValue=value)


def bad_query(name, value=""):
    return AzureError(
        "InvalidQueryParameterValue", QueryParameterName=name, QueryParameterValue=value
    )


def error_response(status, code, message, details=None):
    text = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    for name, value in (details or {}).items():
        text += f"<{name}>{escape(value)}</{name}>"
    response = xml_response(text + "</Error>", status)
    response.headers.append(("x-ms-error-code", code))
    return response


def xml_response(text, status=200):
    body = MARK + b'<?xml version="1.0" encoding="utf-8"?>' + text.encode()
    return Response(status, [("Content-Type", "application/xml")], [body])


def with_identifiers(request, response):
    """What every answer of the service has."""
    response.headers += [
        ("x-ms-request-id", str(uuid.uuid4())),
        ("x-ms-version", request.header("x-ms-version", "2023-11-03")),
        ("Date", http_date()),
        ("Server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0"),
    ]
    client = request.header("x-ms-client-request-id")
    if client is not None:
        response.headers.append(("x-ms-client-request-id", client))
    return response


def scripted_failure(request, status, code, message):
    """What a fault answers."""
    codes = [name for name, number in CODES.items() if number == status]
    preferred = {503: "ServerBusy", 500: "InternalError", 403: "AuthenticationFailed"}.get(status)
    code = code or preferred or (codes[0] if codes else "InternalError")
    response = error_response(status, code, message or "A fault of the tests.")
    return with_identifiers(request, response)
