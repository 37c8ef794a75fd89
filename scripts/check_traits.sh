#!/usr/bin/env bash
# A server built without the cloud traits links neither libcurl nor Expat, and says what it lacks.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build --product blobrpcd --disable-default-traits --scratch-path .build-traits >&2
server=.build-traits/debug/blobrpcd
if ldd "$server" | grep -E 'libcurl|libexpat'; then
    echo "check_traits: a server without cloud backends links their libraries" >&2
    exit 1
fi
for flag in --s3 --gcs; do
    message=$("$server" "$flag" --socket /nonexistent/blobrpc.sock 2>&1 || true)
    if [[ $message != *UNSUPPORTED_BACKEND* ]]; then
        echo "check_traits: a server without cloud backends answered $flag with: $message" >&2
        exit 1
    fi
done
