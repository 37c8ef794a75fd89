#!/usr/bin/env bash
# Starts a real server for the tests: `start.sh seaweedfs` or `start.sh ministack`. What it prints
# and how it ends is told in s3_server.py. Installs the server first where that was not done.
set -euo pipefail
# The server lives as long as all tests; what one of them has open must not. 255 is this script.
for path in /proc/$$/fd/*; do
    descriptor=${path##*/}
    if [ "$descriptor" -gt 2 ] && [ "$descriptor" -ne 255 ]; then eval "exec $descriptor>&-"; fi
done
here=$(cd "$(dirname "$0")" && pwd)
# The lines on standard output and input belong to the program alone.
"$here/install.sh" </dev/null >&2
exec "$here/../../.build-servers/venv/bin/python" "$here/s3_server.py" "$@"
