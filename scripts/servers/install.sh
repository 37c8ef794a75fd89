#!/usr/bin/env bash
# Puts the servers that the tests use into .build-servers, once: SeaweedFS, ministack, botocore, and
# what the oracles need, in a Python environment of their own. Many callers at once are fine. Talks
# on standard error only.
set -euo pipefail
cd "$(dirname "$0")/../.."
home=$PWD/.build-servers
requirements=scripts/servers/requirements.txt
# The environment holds its own path and that of its Python, so it is made anew when one changes.
wanted="$home $(python3 -c 'import sys; print(sys.version, sys.executable)') $(sha256sum <$requirements)"

is_installed() { [ -f "$home/stamp" ] && [ "$(cat "$home/stamp")" = "$wanted" ]; }

is_installed && exit 0
mkdir -p "$home"
exec 9>"$home/lock"
flock 9
is_installed && exit 0

echo "servers: installing what the tests need into .build-servers" >&2
rm -rf "$home/venv" "$home/stamp"
python3 -m venv "$home/venv" >&2
timeout 900 "$home/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --requirement "$requirements" >&2
"$home/venv/bin/pip" check --disable-pip-version-check >&2
printf '%s\n' "$wanted" >"$home/stamp"
