"""SeaweedFS: a real store, with real checks of signatures, conditions, checksums and roles."""

import base64
import json
import os
import secrets
import sys

from client import client_for
from oidc_issuer import Issuer
from supervision import Child, free_ports, note_leftovers

ACCOUNT = "000000000000"


def start(directory):
    """Starts the server in `directory`; returns the child, its description and the issuer."""
    issuer = Issuer()
    keys = {name: (secrets.token_hex(10), secrets.token_hex(20)) for name in ("admin", "reader")}
    write(directory, "identities.json", identities(keys))
    write(directory, "roles.json", roles(issuer))
    child, endpoint = launch(directory)
    description = {
        "endpoint": endpoint,
        "accessKeyID": keys["admin"][0],
        "secretAccessKey": keys["admin"][1],
        "readOnly": {"accessKeyID": keys["reader"][0], "secretAccessKey": keys["reader"][1]},
        "sts": {
            "endpoint": endpoint,
            "roleARN": f"arn:aws:iam::{ACCOUNT}:role/PlainRole",
            "webIdentityRoleARN": f"arn:aws:iam::{ACCOUNT}:role/WebRole",
            "issuer": issuer.url,
            "audience": issuer.AUDIENCE,
        },
    }
    return child, description, issuer


def is_ready(description, bucket):
    """Whether a blob can be written, which takes an elected master and a volume."""
    client = client_for("s3", description)
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="probe", Body=b"x")
    client.delete_object(Bucket=bucket, Key="probe")
    return True


def launch(directory):
    data = os.path.join(directory, "data")
    os.makedirs(data, exist_ok=True)
    names = ["master", "volume", "filer", "s3"]
    ports = free_ports(2 * len(names))
    options = {"-dir": data, "-ip": "127.0.0.1", "-ip.bind": "127.0.0.1"}
    for index, name in enumerate(names):
        options[f"-{name}.port"] = ports[2 * index]
        options[f"-{name}.port.grpc"] = ports[2 * index + 1]
    options |= {
        "-master.volumeSizeLimitMB": 1024,
        "-master.telemetry": "false",
        "-master.electionTimeout": "1s",
        "-volume.max": 1000,
        "-volume.preStopSeconds": 0,
        "-volume.minFreeSpace": 0,
        "-filer.localSocket": os.path.join(directory, "filer.socket"),
        "-s3": "true",
        "-s3.ip.bind": "127.0.0.1",
        "-s3.localSocket": os.path.join(directory, "s3.socket"),
        "-s3.port.iceberg": 0,
        "-s3.port.lance": 0,
        # A real store answers that the bucket is missing.
        "-s3.autoCreateBucket": "false",
        "-s3.config": os.path.join(directory, "identities.json"),
        "-s3.iam.config": os.path.join(directory, "roles.json"),
    }
    # Wherever temporary files are to be, it makes these in /tmp.
    note_leftovers(
        directory,
        [
            f"/tmp/seaweedfs-{name}-grpc-{options[f'-{name}.port.grpc']}.sock"
            for name in names
        ],
    )
    program = os.path.join(os.path.dirname(sys.executable), "weed")
    command = [program, f"-logdir={directory}", "server"]
    command += [f"{name}={value}" for name, value in options.items()]
    # Without these a gigabyte through the server leaves it with two gigabytes of garbage.
    environment = {"GOMEMLIMIT": "400MiB", "GOGC": "50"}
    # One volume for each bucket instead of seven.
    environment["WEED_MASTER_VOLUME_GROWTH_COPY_1"] = "1"
    return Child(command, directory, environment), f"http://127.0.0.1:{options['-s3.port']}"


def identities(keys):
    actions = {
        "admin": ["Admin", "Read", "Write", "List", "Tagging"],
        "reader": ["Read", "List"],
    }
    return {
        "identities": [
            {
                "name": name,
                "credentials": [{"accessKey": access, "secretKey": secret}],
                "actions": actions[name],
            }
            for name, (access, secret) in keys.items()
        ]
    }


def roles(issuer):
    def role(name, principal, action):
        statement = {"Effect": "Allow", "Principal": principal, "Action": [action]}
        return {
            "roleName": name,
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
            "attachedPolicies": ["Everything"],
            "trustPolicy": {"Version": "2012-10-17", "Statement": [statement]},
        }

    everything = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}
    provider = {
        "issuer": issuer.url,
        "clientId": issuer.AUDIENCE,
        "jwksUri": f"{issuer.url}/jwks",
    }
    return {
        "sts": {
            "tokenDuration": "1h",
            "maxSessionLength": "12h",
            "issuer": "seaweedfs-sts",
            "signingKey": base64.b64encode(secrets.token_bytes(32)).decode(),
            "providers": [
                {"name": "test-oidc", "type": "oidc", "enabled": True, "config": provider}
            ],
        },
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "policies": [
            {
                "name": "Everything",
                "document": {"Version": "2012-10-17", "Statement": [everything]},
            }
        ],
        "roles": [
            role("WebRole", {"Federated": "test-oidc"}, "sts:AssumeRoleWithWebIdentity"),
            role("PlainRole", {"AWS": "*"}, "sts:AssumeRole"),
        ],
    }


def write(directory, name, document):
    descriptor = os.open(os.path.join(directory, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file)
