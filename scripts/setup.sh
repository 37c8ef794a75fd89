#!/usr/bin/env bash
# Makes sure that everything a build needs is here: Swift, and the Debian packages with the headers
# of OpenSSL, libcurl and Expat, and the programs that the tests use. Prints what is wrong and what
# to do; changes nothing else.
set -euo pipefail

required_swift_major=6
required_swift_minor=2

if ! command -v swift >/dev/null; then
    echo "error: Swift is missing. Install Swift ${required_swift_major}.${required_swift_minor} or" \
        "newer from https://www.swift.org/install/linux and put it on PATH." >&2
    exit 1
fi
version=$(swift --version 2>/dev/null | grep -oE 'Swift version [0-9]+\.[0-9]+' | grep -oE '[0-9]+\.[0-9]+')
major=${version%%.*}
minor=${version##*.}
if [ "$major" -lt "$required_swift_major" ] ||
    { [ "$major" -eq "$required_swift_major" ] && [ "$minor" -lt "$required_swift_minor" ]; }; then
    echo "error: Swift $version is too old; this project needs" \
        "${required_swift_major}.${required_swift_minor} or newer: https://www.swift.org/install/linux" >&2
    exit 1
fi

packages=(libssl-dev libcurl4-openssl-dev libexpat1-dev pkg-config gcc make python3
    python3-venv curl bubblewrap)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
        missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

# A tool that is there by another way than its package is good enough.
still_missing=()
for package in "${missing[@]}"; do
    case $package in
        python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null || still_missing+=("$package") ;;
        bubblewrap) command -v bwrap >/dev/null || still_missing+=("$package") ;;
        gcc | make | python3 | pkg-config | curl) command -v "$package" >/dev/null || still_missing+=("$package") ;;
        *) still_missing+=("$package") ;;
    esac
done
[ ${#still_missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "error: please install: ${still_missing[*]}" >&2
    exit 1
fi
elevate=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "error: please install as root: apt-get install ${still_missing[*]}" >&2
        exit 1
    fi
    elevate=(sudo)
fi
echo "setup: installing ${still_missing[*]}"
"${elevate[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${elevate[@]}" apt-get install -y -qq "${still_missing[@]}" >/dev/null
