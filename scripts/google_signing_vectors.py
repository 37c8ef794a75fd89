#!/usr/bin/env python3
"""Makes Tests/Data/GoogleV4/sdk.json: random URLs signed by Google's own client.

    pip install google-cloud-storage==3.17.1
    scripts/google_signing_vectors.py [--count 160] [--seed 20261123] > Tests/Data/GoogleV4/sdk.json

The same seed gives the same file, for these signatures have nothing random in them. For a run with
many more, write to another file and name it in GOOGLE_SIGNING_VECTORS when testing.
"""

import argparse
import datetime
import json
import pathlib
import random
import sys

from signing_vectors import FIXED_KEYS, PIECES, text

CLIENT_VERSION = "3.17.1"
ACCOUNT = (
    pathlib.Path(__file__).parent.parent
    / "Tests/Data/GoogleV4/url_signer_v4_test_account.json"
)
# None is the beginning of another: there the client sorts by "name=value", and the documentation
# says by name.
QUERY_NAMES = [
    "uploads", "uploadId", "partNumber", "generation", "userProject", "prefix", "delimiter",
    "list-type", "x y", "ü", "X-Goog-Meta-Foo", "zz", "~", "Zebra", "fields",
]  # fmt: skip
HEADER_NAMES = [
    "x-goog-meta-Name", "X-Goog-Storage-Class", "content-type", "If-Match", "x-goog-resumable",
    "Content-MD5", "range", "X-GOOG-META-b", "x-goog-if-generation-match", "x-goog-meta-a.b",
    "X-Goog-Content-SHA256", "x-goog-meta-name",
]  # fmt: skip
HEADER_PIECES = ["a", "B", "7", "  ", " ", "\t", ",", ";", ":", "=", "\"", "/", "~", "+"]
ENDPOINTS = [
    "https://storage.googleapis.com", "http://127.0.0.1:4443", "http://[::1]:4443",
    "https://storage.example.org:8443",
]  # fmt: skip


def make_case(rng, index):
    endpoint = rng.choice(ENDPOINTS)
    return {
        "method": rng.choice(["GET", "PUT", "HEAD", "POST", "DELETE"]),
        "style": rng.choice(["path", "path", "path", "virtualHost", "bound"]),
        "endpoint": endpoint,
        "bucket": rng.choice(["bucket", "with.dots", "under_score-9", "x1y"]),
        "key": FIXED_KEYS[index] if index < len(FIXED_KEYS) else text(rng, PIECES, 24) or "k",
        "query": [
            [name, text(rng, PIECES, 8) if rng.random() < 0.7 else ""]
            for name in rng.sample(QUERY_NAMES, rng.randint(0, 5))
        ],
        "headers": [
            [name, f"{rng.getrandbits(256):064x}" if "SHA256" in name else text(rng, HEADER_PIECES, 10)]
            for name in rng.sample(HEADER_NAMES, rng.choice([0, 0, 1, 2, 4]))
        ],
        "responseType": text(rng, PIECES, 6) or "t" if rng.random() < 0.2 else None,
        "responseDisposition": text(rng, PIECES, 6) or "d" if rng.random() < 0.2 else None,
        "email": f"{text(rng, ['a', 'b', '1', '-'], 9)}x@p-{index}.iam.gserviceaccount.com",
        "seconds": rng.randint(0, 4_102_444_799),
        "validSeconds": rng.choice([1, 60, 900, 3600, 86_399, 604_800]),
    }


def sign(case, bucket_of, signer):
    from google.cloud.storage import _signing
    from google.oauth2.service_account import Credentials

    moment = datetime.datetime.fromtimestamp(case["seconds"], datetime.timezone.utc)
    _signing._NOW = lambda zone=None: moment
    place = {"api_access_endpoint": case["endpoint"]}
    if case["style"] == "virtualHost":
        place["virtual_hosted_style"] = True
    if case["style"] == "bound":
        scheme, _, host = case["endpoint"].partition("://")
        place = {"bucket_bound_hostname": host, "scheme": scheme}
    case["url"] = bucket_of(case["bucket"]).blob(case["key"]).generate_signed_url(
        version="v4",
        expiration=case["validSeconds"],
        method=case["method"],
        headers=dict(map(tuple, case["headers"])),
        query_parameters=dict(map(tuple, case["query"])),
        response_type=case["responseType"],
        response_disposition=case["responseDisposition"],
        credentials=Credentials(signer, case["email"], "https://oauth2.googleapis.com/token"),
        **place,
    )
    return case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=160)
    parser.add_argument("--seed", type=int, default=20261123)
    arguments = parser.parse_args()

    from google.auth import crypt
    from google.cloud import storage

    if storage.__version__ != CLIENT_VERSION:
        sys.exit(f"these vectors are of version {CLIENT_VERSION}, not {storage.__version__}")
    signer = crypt.RSASigner.from_service_account_info(json.loads(ACCOUNT.read_text()))
    client = storage.Client.create_anonymous_client()
    rng = random.Random(arguments.seed)
    cases = [
        sign(make_case(rng, index), client.bucket, signer) for index in range(arguments.count)
    ]
    print("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]")


if __name__ == "__main__":
    main()
