"""Signatures of Microsoft's last client for version 2023-11-03, which runs as a program of its own.

Each line on standard input is a list of calls, answered by a line with the signatures.
"""

import json
import os
import subprocess
import sys
import threading

VERSION = "2023-11-03"


class OlderClient:
    """The other side of the program; started when it is first wanted."""

    def __init__(self):
        self.lock = threading.Lock()
        self.process = None

    def sign(self, calls):
        with self.lock:
            if self.process is None:
                packages = os.path.join(os.path.dirname(sys.prefix), f"azure-{VERSION}")
                if not os.path.isdir(packages):
                    raise FileNotFoundError(packages)
                self.process = subprocess.Popen(
                    [sys.executable, os.path.abspath(__file__)],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                    env={"PYTHONPATH": packages, "PATH": "/usr/bin:/bin"},
                )  # fmt: skip
            self.process.stdin.write(json.dumps(calls) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())


def delegation_key(values):
    from azure.storage.blob import UserDelegationKey

    key = UserDelegationKey()
    for name, value in values.items():
        setattr(key, name, value)
    return key


def signed(call):
    from azure.storage.blob import (
        generate_account_sas,
        generate_blob_sas,
        generate_container_sas,
    )

    kinds = {
        "account": generate_account_sas,
        "container": generate_container_sas,
        "blob": generate_blob_sas,
    }
    call = dict(call)
    if "user_delegation_key" in call:
        call["user_delegation_key"] = delegation_key(call["user_delegation_key"])
    return kinds[call.pop("kind")](**call)


def main():
    from azure.storage.blob._shared.constants import X_MS_VERSION

    if X_MS_VERSION != VERSION:
        sys.exit(f"this client signs for {X_MS_VERSION}")
    # It ends with the oracle, whose death closes the input.
    for line in sys.stdin:
        print(json.dumps([signed(call) for call in json.loads(line)]), flush=True)


if __name__ == "__main__":
    main()
