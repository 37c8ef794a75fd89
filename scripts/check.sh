#!/usr/bin/env bash
# House rules that the compiler does not check: format, dependencies of the modules, what a client
# program links, and traps in the sources. Prints what is wrong and exits non-zero.
set -euo pipefail
cd "$(dirname "$0")/.."
failures=0
fail() {
    echo "check: $*" >&2
    failures=$((failures + 1))
}

# Formatting and documentation of every public symbol.
mapfile -t sources < <(git ls-files '*.swift')
swift format lint --strict "${sources[@]}" || fail "swift format lint --strict is not clean"

# The modules a client needs import no package and no Foundation.
for module in BlobCore BlobWire LinuxIO BlobRPCClient; do
    if grep -nE '^(public |internal |package )?import +(Foundation|FoundationEssentials|Dispatch|Logging|ArgumentParser|Yams)' \
        -r "Sources/$module"; then
        fail "$module imports what it must not"
    fi
done
swift package show-dependencies --format json >/dev/null
python3 scripts/check_dependencies.py || fail "the dependency graph is not as docs/architecture.md says"

# Traps that a peer's bytes could reach, and leftovers.
if git grep -nE 'try!|as!|fatalError\(|TODO|FIXME|XXX' -- 'Sources/*.swift' ':!Sources/LinuxIO/EventLoop.swift'; then
    fail "traps or leftovers in Sources"
fi

# One idea per file.
while read -r count file; do
    [ "$count" -gt 320 ] && fail "$file has $count lines; split it"
done < <(git ls-files 'Sources/*.swift' 'Tests/*.swift' | xargs wc -l | grep -v ' total$')

# A tiny client links the standard library and the C library, nothing else.
scripts/check_linkage.sh || fail "a client program links too much"

# The unit stays as closed as it is: at most 1.5 of 10.
if command -v systemd-analyze >/dev/null; then
    systemd-analyze security --offline=true --threshold=15 packaging/systemd/blobrpcd.service \
        >/dev/null || fail "packaging/systemd/blobrpcd.service is less closed than it was"
fi

# Backends that cost a dependency can be left out.
scripts/check_traits.sh || fail "a build without traits is not what it should be"

[ "$failures" -eq 0 ] || exit 1
echo "check: all rules hold"
