#!/usr/bin/env bash
# Builds a tiny program on BlobRPCClient alone and fails when it links Foundation, Dispatch's
# Foundation overlay, OpenSSL, libcurl or any other library that a thin client has no need of.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/Sources/tiny"
cat >"$work/Package.swift" <<SWIFT
// swift-tools-version: 6.2
import PackageDescription
let package = Package(
    name: "tiny",
    dependencies: [.package(name: "blobrpc", path: "$root")],
    targets: [
        .executableTarget(
            name: "tiny", dependencies: [.product(name: "BlobRPCClient", package: "blobrpc")])
    ])
SWIFT
cat >"$work/Sources/tiny/main.swift" <<'SWIFT'
import BlobCore
import BlobRPCClient

let client = try await BlobClient.connect(path: "/nonexistent")
print(try await client.ping())
SWIFT
swift build --package-path "$work" --scratch-path "$root/.build-linkage" 2>&1 | tail -n 3
linked=$(ldd "$(swift build --package-path "$work" --scratch-path "$root/.build-linkage" --show-bin-path)/tiny")
if grep -E 'Foundation|libssl|libcrypto|libcurl|libxml|libicu|_FoundationICU' <<<"$linked"; then
    exit 1
fi
grep -oE '^\s*lib[^ ]+' <<<"$linked" | sort
