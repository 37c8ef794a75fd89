#!/usr/bin/env bash
# Measures the server and the Swift client against references in C, alternately and on the same
# machine state, and prints one table. README.md says what each row is.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
    cat <<TEXT
usage: run.sh [--quick] [--pin] [--pairs N] [--only GROUP[,GROUP...]] [--json] [--directory DIR]
              [--no-build]

  --quick       3 short pairs of each instead of 5, and 1 GiB instead of 10 GiB for the memory rows
  --pin         both ends of everything on one core; the default leaves the placement to the kernel,
                except in the rows that say "one core"
  --pairs N     so many pairs of each
  --only        of: one-call, one-call-pinned, pipelined, pipelined-pinned, concurrent, get, put,
                mixed, memory, s3-get, s3-get-seaweedfs, s3-put, s3-put-seaweedfs, s3-small-get,
                s3-small-put, s3-presign, s3-memory; or s3 for all that begin with it;
                gcs-presign, azure-presign, abuse, drain, launch
  --json        JSON on standard output, the table on standard error
  --directory   where the temporary files go: a disk, not tmpfs, with 8 GiB to spare
  --no-build    what is built already is measured
TEXT
}

pairs=5
quick=0
pin=0
json=0
build=1
only=
directory=${TMPDIR:-/var/tmp}
while [ $# -gt 0 ]; do
    case $1 in
        --quick) quick=1 pairs=3 ;;
        --pin) pin=1 ;;
        --pairs) pairs=$2 && shift ;;
        --only) only=$2 && shift ;;
        --json) json=1 ;;
        --directory) directory=$2 && shift ;;
        --no-build) build=0 ;;
        --help | -h) usage && exit 0 ;;
        *) usage >&2 && exit 64 ;;
    esac
    shift
done

gib=$((1 << 30))
calls=20000
milliseconds=1000
mixed_milliseconds=3000
stream_bytes=$gib
memory_read_bytes=$((gib * 5 / 4))
memory_repetitions=5
# It stores what it is given, each time anew, on the disk.
seaweedfs_bytes=$((gib / 4))
if [ "$quick" = 1 ]; then
    calls=4000
    milliseconds=300
    mixed_milliseconds=1000
    stream_bytes=$((gib / 4))
    memory_read_bytes=$((gib / 8))
    memory_repetitions=1
    seaweedfs_bytes=$((gib / 8))
fi

if [ "$build" = 1 ]; then
    ./build.sh >&2
fi
bin=$PWD/bin
blobbench=$(swift build -c release --show-bin-path)/blobbench
blobrpcd=$(cd .. && swift build -c release --show-bin-path)/blobrpcd
blobctl=${blobrpcd%/*}/blobctl

if [ "$(stat -f -c %T "$directory")" = tmpfs ]; then
    echo "run.sh: $directory is a tmpfs; name a directory on a disk with --directory" >&2
    exit 1
fi
work=$(mktemp -d "$directory/blobbench.XXXXXX")
pids=()
# The process behind each socket, by the socket's name.
declare -A pid_of
clean_up() {
    # Only what this run started.
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The last core the process may use: interrupts tend to land on the first.
core=$(taskset -cp $$ | sed 's/.*[-,: ]//')
pinned=(taskset -c "$core")
placed=()
[ "$pin" = 1 ] && placed=("${pinned[@]}")
# A client that hangs is ended; in the foreground, so that an interrupt reaches it.
limit=(timeout --foreground 300)

store=$work/store
mkdir "$store"
small=$store/small
large=$store/large
samples=$work/samples
failures=$work/failures
: >"$samples"
: >"$failures"
declare -A failed

wait_for() {
    for _ in $(seq 500); do
        [ -S "$1" ] && return 0
        kill -0 "${pids[-1]}" 2>/dev/null || break
        sleep 0.02
    done
    echo "run.sh: no server at $1" >&2
    sed 's/^/  /' "$work"/*.log >&2
    exit 1
}

# start SOCKET COMMAND...: a server in the background.
start() {
    local socket=$1
    shift
    "$@" >"$socket.log" 2>&1 &
    pids+=($!)
    pid_of[${socket##*/}]=$!
    wait_for "$socket"
}

start_blobrpcd() {
    local socket=$1
    shift
    # As the reference in C: a put is done when its file has its name, not when it is on the disk.
    echo "durability: none" >"$work/blobrpcd.yaml"
    start "$socket" "$@" "$blobrpcd" --socket "$socket" --root "$store" --log-level warning \
        --config "$work/blobrpcd.yaml"
}

wanted() {
    [ -z "$only" ] || [[ ",$only," == *",$1,"* ]] || [[ $1 == s3-* && ",$only," == *,s3,* ]]
}

# sample GROUP SERIES ROUND COMMAND...: adds the command's figures. A series that fails is not tried
# again, its rows say so, and the others go on: a table with a gap tells more than none.
sample() {
    local group=$1 series=$2 round=$3 output
    shift 3
    [ -z "${failed[$group/$series]-}" ] || return 0
    if ! output=$("$@"); then
        echo "run.sh: failed: $*" >&2
        failed[$group/$series]=1
        printf '%s\t%s\n' "$group" "$series" >>"$failures"
        return 0
    fi
    # Round 0 warms up.
    [ "$round" = 0 ] && return
    while read -r figure value; do
        printf '%s\t%s\t%s\t%s\t%s\n' "$group" "$series" "$round" "$figure" "$value" >>"$samples"
    done <<<"$output"
}

# rounds GROUP FUNCTION: each round runs every series of the group once, so that ours and the
# reference alternate.
rounds() {
    wanted "$1" || return 0
    printf 'run.sh: %s' "$1" >&2
    for round in $(seq 0 "$pairs"); do
        printf ' %s' "$round" >&2
        "$2" "$1" "$round"
    done
    printf '\n' >&2
}

source groups.sh
source s3_groups.sh
source gcs_groups.sh
source azure_groups.sh
source abuse_groups.sh
source drain_groups.sh
source launch_groups.sh

load_before=$(cut -d ' ' -f 1-3 /proc/loadavg)
prepare
rounds one-call-pinned one_call_pinned
rounds one-call one_call
rounds pipelined-pinned pipelined_pinned
rounds pipelined pipelined
rounds concurrent concurrent
rounds get get
rounds put put
rounds mixed mixed
memory
measure_s3
measure_gcs
rounds azure-presign azure_presign
measure_abuse
rounds drain drain
measure_launch
load_after=$(cut -d ' ' -f 1-3 /proc/loadavg)

report=(python3 report.py "$samples" "$failures" --pairs "$pairs")
report+=(--load "$load_before" "$load_after")
[ "$pin" = 1 ] && report+=(--pinned)
[ "$quick" = 1 ] && report+=(--quick)
if [ "$json" = 1 ]; then
    "${report[@]}" >&2
    "${report[@]}" --json
else
    "${report[@]}"
fi
[ ! -s "$failures" ]
