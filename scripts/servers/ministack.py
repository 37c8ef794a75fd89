"""ministack: an emulator in Python. A second opinion on signatures, and the metadata services."""

import json
import os
import sys

from client import client_for
from supervision import Child, free_ports

ACCOUNT = "000000000000"


def start(directory):
    """Starts the server in `directory`; returns the child, its description and no issuer."""
    (port,) = free_ports(1)
    environment = {
        # The default is every interface.
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "MINISTACK_IMDS_V2_REQUIRED": "1",
        # These would listen on ports of their own, or touch the containers of the developer.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{directory}/no-docker",
    }
    program = os.path.join(os.path.dirname(sys.executable), "ministack")
    child = Child([program], directory, environment)
    endpoint = f"http://127.0.0.1:{port}"
    description = {
        "endpoint": endpoint,
        "sts": {"endpoint": endpoint, "roleARN": f"arn:aws:iam::{ACCOUNT}:role/PlainRole"},
        "instanceMetadata": {
            "endpoint": endpoint,
            "containerCredentialsPath": "/v2/credentials/test-task",
        },
    }
    return child, description, None


def is_ready(description, bucket):
    """Makes users, role and bucket with the keys that the server starts with."""
    bootstrap = description | {"accessKeyID": "test", "secretAccessKey": "test"}
    iam = client_for("iam", bootstrap)
    iam.list_users()
    description |= user(iam, "admin", ["s3:*", "sts:*"])
    description["readOnly"] = user(iam, "reader", ["s3:GetObject*", "s3:List*"])
    trust = statement(Principal={"AWS": "*"}, Action=["sts:AssumeRole"])
    iam.create_role(RoleName="PlainRole", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(
        RoleName="PlainRole", PolicyName="all", PolicyDocument=allow_all(["s3:*"])
    )
    client_for("s3", description).create_bucket(Bucket=bucket)
    return True


def user(iam, name, actions):
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=allow_all(actions))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"accessKeyID": key["AccessKeyId"], "secretAccessKey": key["SecretAccessKey"]}


def allow_all(actions):
    return statement(Action=actions, Resource=["*"])


def statement(**parts):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | parts]})
