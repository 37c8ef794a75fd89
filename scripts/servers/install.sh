#!/usr/bin/env bash
# Puts the servers that the tests use into .build-servers, once: SeaweedFS, ministack, botocore, and
# what the oracles need, in a Python environment of their own. Many callers at once are fine. Talks
# on standard error only.
set -euo pipefail
cd "$(dirname "$0")/../.."
home=$PWD/.build-servers
requirements=scripts/servers/requirements.txt
# An older client of Azure, for the version of the service that our own signatures are made for: the
# newest knows only the newest.
older=scripts/servers/requirements-azure-2023-11-03.txt
# The environment holds its own path and that of its Python, so it is made anew when one changes.
wanted="$home $(python3 -c 'import sys; print(sys.version, sys.executable)') $(cat $requirements $older | sha256sum)"

is_installed() { [ -f "$home/stamp" ] && [ "$(cat "$home/stamp")" = "$wanted" ]; }

is_installed && exit 0
mkdir -p "$home"
exec 9>"$home/lock"
flock 9
is_installed && exit 0

echo "servers: installing what the tests need into .build-servers" >&2
rm -rf "$home/venv" "$home/azure-2023-11-03" "$home/stamp"
python3 -m venv "$home/venv" >&2
timeout 900 "$home/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --requirement "$requirements" >&2
timeout 300 "$home/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --target "$home/azure-2023-11-03" --requirement "$older" >&2
"$home/venv/bin/pip" check --disable-pip-version-check >&2
printf '%s\n' "$wanted" >"$home/stamp"
