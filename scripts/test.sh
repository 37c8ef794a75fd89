#!/usr/bin/env bash
# Runs every test of a build that `make test` made: the servers of our own and the independent client
# first, then all Swift tests, some of them against real servers. Arguments go to `swift test`.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/servers/install.sh
.build-servers/venv/bin/python scripts/servers/test_oracles.py
scripts/conformance.sh
if [ $# -gt 0 ]; then
    exec swift test --skip-build "$@"
fi
# In parts: all at once, they keep each other from the processor for longer than some may wait. For the
# same reason few of those that move much through real servers run at a time.
few=(--experimental-maximum-parallelization-width 6)
swift test --skip-build --skip '^(Backends|GCS|Azure|Uniform|Daemon|Sandbox)Tests\.'
swift test --skip-build --filter '^(Daemon|Sandbox)Tests\.'
swift test --skip-build --filter '^BackendsTests\.'
swift test --skip-build --filter '^GCSTests\.'
swift test --skip-build --filter '^AzureTests\.'
swift test --skip-build "${few[@]}" --filter '^UniformTests\.'
