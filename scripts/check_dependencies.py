"""Checks the module graph: imports point downward only, and the client's modules use no package."""

import json
import subprocess
import sys

ALLOWED = {
    "BlobCore": set(),
    "BlobWire": {"BlobCore"},
    "LinuxIO": {"BlobCore", "CLinuxShims"},
    "BlobTransport": {"BlobCore", "BlobWire", "LinuxIO"},
    "BlobRPCClient": {"BlobCore", "BlobWire", "LinuxIO", "BlobTransport"},
    "CLinuxShims": set(),
}

description = json.loads(
    subprocess.run(
        ["swift", "package", "dump-package"], check=True, capture_output=True, text=True
    ).stdout
)
failures = []
for target in description["targets"]:
    allowed = ALLOWED.get(target["name"])
    if allowed is None:
        continue
    for dependency in target["dependencies"]:
        kind, value = next(iter(dependency.items()))
        name = value[0]
        if kind == "product" or name not in allowed:
            failures.append(f"{target['name']} depends on {name}")
for failure in failures:
    print(f"check: {failure}", file=sys.stderr)
sys.exit(1 if failures else 0)
