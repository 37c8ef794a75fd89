#!/usr/bin/env bash
# Runs the independent Python client, written from protocol.md alone, against the server that was
# built, and its decoder against the vectors.
set -euo pipefail
cd "$(dirname "$0")/.."
binaries=$(swift build --show-bin-path)
work=$(mktemp -d)
server=
cleanup() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT
mkdir "$work/root"
"$binaries/blobrpcd" --socket "$work/socket" --root "$work/root" --log-level error >"$work/log" &
server=$!
# The line comes once the socket is there; the loop ends with it or with the server.
until grep -q ready "$work/log"; do kill -0 "$server"; done
python3 Tests/Python/test_vectors.py
python3 Tests/Python/conformance.py "$work/socket" "file://$work/root/base"
