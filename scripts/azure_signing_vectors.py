#!/usr/bin/env python3
"""Makes the signing vectors of Tests/Data/AzureSAS with Microsoft's client.

    pip install azure-storage-blob==12.19.1
    scripts/azure_signing_vectors.py [--count 300] [--seed 20261123] > Tests/Data/AzureSAS/signatures.json

That is the last client that signs for version 2023-11-03 of the service. The same seed gives the same
file. Not in it, because that client does it differently from the documentation: the Range field, and
query parameters of which there are several.
"""

import argparse
import base64
import datetime
import json
import random
import sys
import types
from urllib.parse import parse_qs, quote

VERSION = "2023-11-03"
# The names of rule AZ-02 come first; then names are put together from these pieces.
FIXED_NAMES = [
    "a b", "a#b", "a+b", "a%b", "é", "%2E", "a//b", "a%2Fb", "trail/", "/lead", "a/./b", "a/../b",
    "*'()!", "=&?#", ":@$,;", "~-._", "[]{}|\\^`\"<>", "e\u0301 vs \u00e9", "\ufeff\u200d", "%%41",
    " lead and trail ", "🦊/x", "a\nb", "\u007f\u0001", "A" * 200,
]
PIECES = [
    "a", "Z", "0", "-", ".", "_", "~", "/", "//", "/./", " ", "+", "%2F", "%20", "%", "é", "e\u0301",
    "😀", "\u1234", "&", "=", "?", "#", "*", "'", "(", ")", "!", ":", "@", "$", ",", ";", "[", "]",
    "\\", "\"", "<", ">", "^", "`", "{", "|", "}", "\t", "\u007f", "\u00a0",
]
OVERRIDES = ["cache_control", "content_disposition", "content_encoding", "content_language", "content_type"]
QUERY_NAMES = ["comp", "restype", "prefix", "marker", "delimiter", "blockid", "include", "timeout", "maxresults"]
PLAIN_HEADERS = [
    "content-encoding", "content-language", "content-md5", "content-type", "if-modified-since",
    "if-match", "if-none-match", "if-unmodified-since",
]
OWN_HEADERS = [
    "x-ms-range", "x-ms-blob-type", "x-ms-blob-content-type", "x-ms-client-request-id", "x-ms-meta-a",
    "x-ms-meta-a_b", "x-ms-meta-a1", "x-ms-meta-ab", "x-ms-meta-a_", "x-ms-copy-source", "x-ms-tags",
]


def text(rng, pieces, longest, shortest=0):
    return "".join(rng.choice(pieces) for _ in range(rng.randint(shortest, longest)))


def moment(rng):
    seconds = rng.randint(1_600_000_000, 4_102_444_799)
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_key(rng):
    return base64.b64encode(rng.randbytes(rng.choice([64, 64, 32, 1, 65, 100]))).decode()


def signature_case(rng, index):
    name = FIXED_NAMES[index] if index < len(FIXED_NAMES) else text(rng, PIECES, 24, 1)
    if index >= len(FIXED_NAMES) and rng.random() < 0.15:
        name = ""
    letters = [letter for letter in ("rcwd" if name else "rcwdl") if rng.random() < 0.5]
    case = {
        "account": text(rng, list("abcxyz019"), 24, 3),
        "container": rng.choice(["blobs", "$root", "a-b-c", "0" * 63, "$web"]),
        "blob": name,
        "permissions": "".join(letters) or "r",
        "start": moment(rng) if rng.random() < 0.3 else "",
        "expiry": moment(rng),
        "scheme": rng.choice(["https", "https", "http"]),
        "key": new_key(rng),
        "overrides": [text(rng, PIECES, 6) if rng.random() < 0.3 else "" for _ in OVERRIDES],
    }
    if rng.random() < 0.5:
        case["delegation"] = [
            text(rng, list("0123456789abcdef-"), 36, 36), text(rng, list("0123456789abcdef-"), 36, 36),
            moment(rng), max(case["expiry"], moment(rng)), "b", VERSION,
        ]
    return case


def signed(case):
    from azure.storage.blob import UserDelegationKey, generate_blob_sas, generate_container_sas

    call = {
        "account_name": case["account"], "container_name": case["container"],
        "permission": case["permissions"], "start": case["start"] or None, "expiry": case["expiry"],
        "protocol": "https" if case["scheme"] == "https" else None,
    }
    call |= {name: value or None for name, value in zip(OVERRIDES, case["overrides"])}
    if "delegation" in case:
        key = UserDelegationKey()
        key.value = case["key"]
        (key.signed_oid, key.signed_tid, key.signed_start, key.signed_expiry, key.signed_service,
         key.signed_version) = case["delegation"]
        call["user_delegation_key"] = key
    else:
        call["account_key"] = case["key"]
    if case["blob"]:
        token = generate_blob_sas(blob_name=case["blob"], **call)
    else:
        token = generate_container_sas(**call)
    parameters = parse_qs(token, strict_parsing=True)
    case["parameters"] = sorted([name, values[0]] for name, values in parameters.items())
    return case


def request_case(rng):
    value = ["a", "B", "7", " x", ",", ";", ":", "=", "\"", "/", "~", "-"]
    account = text(rng, list("abcxyz019"), 24, 3)
    path = rng.choice(["", f"/{account}"]) + "/blobs/" + quote(text(rng, PIECES, 12), safe="/-._~")
    names = rng.sample(PLAIN_HEADERS, rng.randint(0, 3)) + rng.sample(OWN_HEADERS, rng.randint(0, 6))
    names = [name for name in names if rng.random() < 0.95]
    headers = [[name, text(rng, value, 6, 1).strip()] for name in names]
    headers += [["x-ms-date", "Sun, 06 Nov 2033 08:49:37 GMT"], ["x-ms-version", VERSION]]
    rng.shuffle(headers)
    return {
        "method": rng.choice(["GET", "PUT", "HEAD", "POST", "DELETE"]),
        "account": account,
        "key": new_key(rng),
        "path": path,
        "query": [[name, text(rng, PIECES, 6)] for name in rng.sample(QUERY_NAMES, rng.randint(0, 5))],
        "headers": headers,
        "contentByteCount": rng.choice([0, 0, 1, 9, 4_194_304, 4_194_304_000]),
    }


def authorized(case):
    from azure.core.pipeline.transport import HttpRequest
    from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy

    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in case["query"])
    headers = dict(map(tuple, case["headers"])) | {"content-length": str(case["contentByteCount"])}
    request = HttpRequest(case["method"], f"https://host{case['path']}?{query}", headers=headers)
    context = types.SimpleNamespace(transport=None)
    SharedKeyCredentialPolicy(case["account"], case["key"]).on_request(
        types.SimpleNamespace(http_request=request, context=context))
    case["authorization"] = request.headers["Authorization"]
    return case


def main():
    from azure.storage.blob._shared.constants import X_MS_VERSION

    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20261123)
    arguments = parser.parse_args()
    if X_MS_VERSION != VERSION:
        sys.exit(f"this client signs for {X_MS_VERSION}, not {VERSION}")
    rng = random.Random(arguments.seed)
    count = arguments.count // 3
    signatures = [signed(signature_case(rng, index)) for index in range(arguments.count - count)]
    requests = [authorized(request_case(rng)) for _ in range(count)]
    lines = (",\n".join(json.dumps(case) for case in cases) for cases in (signatures, requests))
    print('{"signatures": [\n%s\n],\n"requests": [\n%s\n]}' % tuple(lines))


if __name__ == "__main__":
    main()
