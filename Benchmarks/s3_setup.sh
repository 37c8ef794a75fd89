#!/usr/bin/env bash
# Makes ready what the S3 rows need beside the build: direct clients in .build-s3/venv, nginx, and
# SeaweedFS. Nothing is installed into the system and no service is started.
set -euo pipefail
cd "$(dirname "$0")"
home=$PWD/.build-s3
requirements=reference/s3_requirements.txt
wanted="$home $(python3 -c 'import sys; print(sys.version, sys.executable)') $(sha256sum <$requirements)"

mkdir -p "$home"
if [ "$(cat "$home/stamp" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$home/venv" "$home/stamp"
    python3 -m venv "$home/venv"
    timeout 600 "$home/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
        --requirement "$requirements"
    printf '%s\n' "$wanted" >"$home/stamp"
fi

nginx=$(PATH=$PATH:/usr/sbin command -v nginx || true)
if [ -z "$nginx" ] && [ ! -x "$home/nginx/usr/sbin/nginx" ]; then
    # Unpacked, not installed: the package would start a server at port 80.
    (
        cd "$home"
        for package in nginx nginx-light; do
            timeout 300 apt-get download -qq "$package" && dpkg -x "$package"_*.deb nginx || true
            [ ! -x nginx/usr/sbin/nginx ] || break
        done
        rm -f ./*.deb
    )
fi
ln -sfn "${nginx:-$home/nginx/usr/sbin/nginx}" "$home/nginx-program"
if ! "$home/nginx-program" -v 2>/dev/null; then
    echo "s3_setup.sh: nginx is missing; install nginx-light" >&2
    exit 1
fi
../scripts/servers/install.sh
