#!/usr/bin/env bash
# Starts a server for the tests: `start.sh seaweedfs`, `ministack`, `gcs` or `azure`. What it prints
# and how it ends is told in s3_server.py and in the oracles. Installs it first where that was not
# done.
set -euo pipefail
# The server lives as long as all tests; what one of them has open must not. 255 is this script.
for path in /proc/$$/fd/*; do
    descriptor=${path##*/}
    if [ "$descriptor" -gt 2 ] && [ "$descriptor" -ne 255 ]; then eval "exec $descriptor>&-"; fi
done
here=$(cd "$(dirname "$0")" && pwd)
# The lines on standard output and input belong to the program alone.
"$here/install.sh" </dev/null >&2
case ${1-} in
gcs | azure) program=("$here/$1_oracle.py") ;;
*) program=("$here/s3_server.py" "$@") ;;
esac
exec "$here/../../.build-servers/venv/bin/python" "${program[@]}"
