#!/usr/bin/env bash
# Starts the server that `make run` built, on an embedded local store below .run, and says what to
# type in a second terminal. Arguments go to the server in place of these.
set -euo pipefail
cd "$(dirname "$0")/.."
binaries=$(swift build -c release --show-bin-path)
if [ $# -gt 0 ]; then
    exec "$binaries/blobrpcd" "$@"
fi
mkdir -p .run/store
cat <<TEXT
In a second terminal:

    export BLOBRPC_SOCKET=$PWD/.run/blobrpc.sock PATH=$binaries:\$PATH
    blobctl put README.md file://$PWD/.run/store/hello
    blobctl get file://$PWD/.run/store/hello -

TEXT
exec "$binaries/blobrpcd" --socket "$PWD/.run/blobrpc.sock" --root "$PWD/.run/store"
