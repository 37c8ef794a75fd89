#!/usr/bin/env bash
# Runs every test of a build that `make test` made. Arguments go to `swift test`.
set -euo pipefail
cd "$(dirname "$0")/.."
swift test --skip-build --parallel "$@"
