#!/usr/bin/env python3
"""Makes the signing vectors of Tests/Data/SigV4.

    pip install botocore==1.44.5
    scripts/signing_vectors.py botocore [--count 300] [--seed 20261123] > Tests/Data/SigV4/botocore.json

    pip download --no-binary :all: --no-deps botocore==1.44.5 && tar xf botocore-1.44.5.tar.gz
    scripts/signing_vectors.py suite botocore-1.44.5/tests/unit/auth/aws4_testsuite \
        > Tests/Data/SigV4/aws-suite.json

The first signs random requests with botocore, the second keeps of the AWS test suite what a signer
is given and what it must answer. The same seed gives the same file.
"""

import argparse
import datetime
import json
import pathlib
import random
import sys
import types
from urllib.parse import quote, unquote

BOTOCORE_VERSION = "1.44.5"

# The keys of rule S3-01 come first; then keys are put together from these pieces.
FIXED_KEYS = [
    "a b", "a+b", "a%2Fb", "é😀", "a//b", "/lead", "trail/", "a/./b", "a/../b", "*'()!", "=&?#",
    ":@$,;", ".", "..", "//", "a\tb\nc", "\u0001\u007f", "~-._", "[]{}|\\^`\"<>", "\u0000",
    "e\u0301 vs \u00e9", "\ufeff\u200d", "%", "%%41", "a;b?c=d", " lead and trail ",
]
PIECES = [
    "a", "Z", "0", "-", ".", "_", "~", "/", "//", "/./", "/../", " ", "+", "%2F", "%20", "%", "é",
    "e\u0301", "😀", "\u1234", "&", "=", "?", "#", "*", "'", "(", ")", "!", ":", "@", "$", ",", ";",
    "[", "]", "\\", "\"", "<", ">", "^", "`", "{", "|", "}", "\t", "\u007f", "\u0001", "\u00a0",
]
REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-4", "auto", "us-gov-west-1", "local"]
TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
QUERY_NAMES = [
    "uploads", "uploadId", "partNumber", "versionId", "list-type", "prefix", "delimiter",
    "start-after", "continuation-token", "response-content-type", "a", "A", "a-", "a.b", "x y",
    "ü", "X-Amz-Z", "tagging", "zz", "~",
]
HEADER_NAMES = [
    "x-amz-meta-Name", "X-Amz-Storage-Class", "content-type", "If-Match", "x-amz-acl",
    "Content-MD5", "range", "X-AMZ-META-b", "x-amz-copy-source", "x-amz-meta-a.b",
]


def text(rng, pieces, longest):
    return "".join(rng.choice(pieces) for _ in range(rng.randint(0, longest)))


def make_case(rng, index):
    kind = rng.choice(["header", "query", "query", "part"])
    secure = rng.random() < 0.7
    host = rng.choice(["bucket.s3.amazonaws.com", "s3.eu-central-1.amazonaws.com", "127.0.0.1", "[::1]"])
    port = rng.choice([None, None, 443, 80, 8333, 9000])
    if port is not None and port != (443 if secure else 80):
        host = f"{host}:{port}"
    names = rng.sample(QUERY_NAMES, rng.randint(0, 5)) if kind != "part" else ["uploadId", "x-id"]
    query = [[name, text(rng, PIECES, 8) if rng.random() < 0.7 else ""] for name in names]
    header_pieces = ["a", "B", "7", "  ", " ", "é", ",", ";", ":", "=", "\"", "/", "~"]
    headers = [
        [name, text(rng, header_pieces, 10)]
        for name in rng.sample(HEADER_NAMES, rng.randint(0, 4) if kind != "part" else 0)
    ]
    return {
        "kind": kind,
        "method": rng.choice(["GET", "PUT", "HEAD", "POST", "DELETE"]) if kind != "part" else "PUT",
        "scheme": "https" if secure else "http",
        "host": host,
        "prefix": rng.choice(["/", "/bucket/", "/my.bucket-2/"]),
        "key": FIXED_KEYS[index] if index < len(FIXED_KEYS) else text(rng, PIECES, 24),
        "query": query,
        "headers": headers,
        "body": None if kind != "header" or rng.random() < 0.3 else text(rng, PIECES, 40),
        "accessKeyID": "".join(rng.choices(TOKEN_ALPHABET[:36], k=20)),
        "secretAccessKey": "".join(rng.choices(TOKEN_ALPHABET, k=rng.choice([40, 40, 1, 60, 61, 128]))),
        "sessionToken": "".join(rng.choices(TOKEN_ALPHABET, k=rng.choice([16, 16, 16, 16, 356, 900])))
        if rng.random() < 0.4 else None,
        "region": rng.choice(REGIONS),
        "seconds": rng.randint(0, 4_102_444_799),
        "validSeconds": rng.choice([1, 60, 900, 3600, 86_399, 604_800]),
        "partNumber": rng.choice([1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, rng.randint(1, 10_000)]),
    }


def sign(case, botocore):
    from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    moment = datetime.datetime.fromtimestamp(case["seconds"], datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda *_, **__: moment
    credentials = Credentials(case["accessKeyID"], case["secretAccessKey"], case["sessionToken"])
    path = quote(case["prefix"] + case["key"], safe="/-._~")
    query = dict(map(tuple, case["query"]))
    if case["kind"] == "part":
        query["partNumber"] = str(case["partNumber"])
    request = AWSRequest(
        method=case["method"], url=f"{case['scheme']}://{case['host']}{path}", params=query)
    for name, value in case["headers"]:
        request.headers[name] = value
    if case["kind"] == "header":
        request.data = None if case["body"] is None else case["body"].encode()
        request.context["client_config"] = types.SimpleNamespace(
            s3={"payload_signing_enabled": case["body"] is not None})
        auth = S3SigV4Auth(credentials, "s3", case["region"])
    else:
        auth = S3SigV4QueryAuth(credentials, "s3", case["region"], expires=case["validSeconds"])
    auth.add_auth(request)
    case["path"] = path
    if case["kind"] == "header":
        case["authorization"] = request.headers["Authorization"]
        case["payloadHash"] = request.headers["X-Amz-Content-SHA256"]
    else:
        case["signature"] = request.url.rsplit("&X-Amz-Signature=", 1)[1]
    return case


def botocore_vectors(count, seed):
    import botocore
    import botocore.auth

    if botocore.__version__ != BOTOCORE_VERSION:
        sys.exit(f"these vectors are of botocore {BOTOCORE_VERSION}, not {botocore.__version__}")
    rng = random.Random(seed)
    return [sign(make_case(rng, index), botocore) for index in range(count)]


def suite_vectors(directory):
    """The path is the one that was signed: normalising it is not the signer's part."""
    cases = []
    for file in sorted(pathlib.Path(directory).rglob("*.req")):
        request = file.read_text().split("\n")
        canonical = file.with_suffix(".creq").read_text().split("\n")
        method, target = request[0].rsplit(" ", 1)[0].split(" ", 1)
        end = request.index("") if "" in request else len(request)
        headers, token = [], None
        for line in request[1:end]:
            if line.startswith(" "):
                headers[-1][1] += "\n" + line
                continue
            name, value = line.split(":", 1)
            if name.lower() == "x-amz-security-token":
                token = value
            elif name.lower() not in ("host", "x-amz-date"):
                headers.append([name, value])
        signed = file.with_suffix(".sreq").read_text()
        authorization = file.with_suffix(".authz").read_text().strip()
        if "x-amz-security-token;" in authorization or "x-amz-security-token," in authorization:
            if token is None:
                token = next(
                    line.split(":", 1)[1] for line in signed.split("\n")
                    if line.lower().startswith("x-amz-security-token:"))
        pairs = [pair.partition("=") for pair in target.partition("?")[2].split("&") if pair]
        cases.append({
            "name": file.stem,
            "method": method,
            "path": canonical[1],
            "query": [[unquote(name), unquote(value)] for name, _, value in pairs],
            "headers": headers,
            "body": "\n".join(request[end + 1:]),
            "sessionToken": token,
            "authorization": authorization,
        })
    return cases


def main():
    parser = argparse.ArgumentParser()
    kinds = parser.add_subparsers(dest="kind", required=True)
    generated = kinds.add_parser("botocore")
    generated.add_argument("--count", type=int, default=300)
    generated.add_argument("--seed", type=int, default=20261123)
    kinds.add_parser("suite").add_argument("directory")
    arguments = parser.parse_args()
    if arguments.kind == "suite":
        cases = suite_vectors(arguments.directory)
    else:
        cases = botocore_vectors(arguments.count, arguments.seed)
    print("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]")


if __name__ == "__main__":
    main()
