# shellcheck shell=bash disable=SC2154
# What run.sh measures. Each function is one round of a group: `sample GROUP SERIES ROUND COMMAND`
# for every series. report.py says which series are compared.

prepare() {
    head -c 1000 /dev/urandom >"$small"
    # Written, not sparse: its pages are in the cache from here on.
    head -c "$stream_bytes" /dev/zero >"$large"

    start_blobrpcd "$work/free" "${placed[@]}"
    start_blobrpcd "$work/pinned" "${pinned[@]}"
    start "$work/blocking" "${placed[@]}" "$bin/echo_blocking" "$work/blocking"
    start "$work/blocking-pinned" "${pinned[@]}" "$bin/echo_blocking" "$work/blocking-pinned"
    for kind in stream message; do
        start "$work/$kind" "${placed[@]}" "$bin/echo_epoll" "$kind" "$work/$kind"
        start "$work/$kind-pinned" "${pinned[@]}" "$bin/echo_epoll" "$kind" "$work/$kind-pinned"
    done
    start "$work/sendfile" "${placed[@]}" "$bin/sendfile_server" "$work/sendfile" "$large" \
        $((1 << 20))
    start "$work/sendfile256" "${placed[@]}" "$bin/sendfile_server" "$work/sendfile256" "$large" \
        $((256 << 10))
    start "$work/receiver" "${placed[@]}" "$bin/put_receiver" "$work/receiver" \
        "$store/put-reference"
}

# load SOCKET ARGUMENTS...: the C load generator, placed like its server.
load() { "${limit[@]}" "${placed[@]}" "$bin/load" "$@"; }
load_pinned() { "${limit[@]}" "${pinned[@]}" "$bin/load" "$@"; }
send_stream() {
    "${limit[@]}" "${placed[@]}" "$bin/put_sender" "$work/receiver" "$stream_bytes"
}
read_stream() { "${limit[@]}" "${placed[@]}" "$bin/stream_reader" "$1" "$stream_bytes"; }
swift_client_of() {
    local socket=$1 subcommand=$2
    shift 2
    "${limit[@]}" "${placed[@]}" "$blobbench" "$subcommand" --socket "$work/$socket" "$@"
}
# swift_client SUBCOMMAND EXECUTOR ARGUMENTS...
swift_client() {
    local subcommand=$1 executor=$2
    shift 2
    swift_client_of free "$subcommand" --executor "$executor" "$@"
}

one_call_pinned() {
    sample "$1" capabilities "$2" load_pinned "$work/pinned" latency "$calls" \
        capabilities "file://$small"
    sample "$1" head "$2" load_pinned "$work/pinned" latency "$calls" head "file://$small"
    sample "$1" echo "$2" load_pinned "$work/blocking-pinned" latency "$calls" echo
}

one_call() {
    sample "$1" swift-client "$2" swift_client latency client --uri "file://$small" --count "$calls"
    sample "$1" swift-global "$2" swift_client latency global --uri "file://$small" --count "$calls"
    sample "$1" head "$2" load "$work/free" latency "$calls" head "file://$small"
    sample "$1" echo "$2" load "$work/blocking" latency "$calls" echo
}

# with_server_time SERVER COMMAND...: adds the server's processor time for each call or GiB, which
# says more than the rate when others use the machine too.
with_server_time() {
    local server=$1 before after
    shift
    before=$(processor_ns "$server")
    "$@" >"$work/figures" || return 1
    after=$(processor_ns "$server")
    awk -v ns=$((after - before)) '{ print }
        $1 == "calls" { print "cpu_us", ns / 1000 / $2 }
        $1 == "gib" { print "cpu_ms_per_gib", ns / 1000000 / $2 }' "$work/figures"
}

# Of all threads, in nanoseconds; the clock ticks of /proc/PID/stat are too coarse.
processor_ns() {
    cat "/proc/${pid_of[$1]}"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

pipelined_series() {
    local group=$1 round=$2 generator=$3 server=$4 suffix=$5
    pipelined_sample head "$server" head "file://$small"
    pipelined_sample echo-stream "stream$suffix" echo
    pipelined_sample capabilities "$server" capabilities "file://$small"
    pipelined_sample echo-message "message$suffix" echo
}

# For `pipelined_series`, whose variables it uses.
pipelined_sample() {
    local series=$1 socket=$2
    shift 2
    sample "$group" "$series" "$round" with_server_time "$socket" \
        "$generator" "$work/$socket" pipelined "$milliseconds" "$@"
}

pipelined() { pipelined_series "$1" "$2" load free ""; }
pipelined_pinned() { pipelined_series "$1" "$2" load_pinned pinned -pinned; }

concurrent() {
    for executor in client global; do
        sample "$1" "$executor" "$2" with_server_time free swift_client calls "$executor" \
            --uri "file://$small" --milliseconds "$milliseconds"
    done
}

get() {
    sample "$1" swift-client "$2" with_server_time free swift_client get client \
        --uri "file://$large" --byte-count "$stream_bytes"
    sample "$1" sendfile "$2" with_server_time sendfile read_stream "$work/sendfile"
    sample "$1" swift-global "$2" with_server_time free swift_client get global \
        --uri "file://$large" --byte-count "$stream_bytes"
    sample "$1" sendfile-256k "$2" with_server_time sendfile256 read_stream \
        "$work/sendfile256"
    sample "$1" raw "$2" load "$work/free" body "$stream_bytes" get "file://$large"
    sample "$1" pread "$2" "${placed[@]}" "$bin/pread_file" "$large"
}

put() {
    local executor
    for executor in client global; do
        sample "$1" "swift-$executor" "$2" with_server_time free swift_client put "$executor" \
            --uri "file://$store/put-swift" --byte-count "$stream_bytes"
        # Before the kernel begins to write the pages to the disk, which would slow the next down.
        rm -f "$store/put-swift"
        sample "$1" "receiver-$executor" "$2" with_server_time receiver send_stream
        rm -f "$store/put-reference"
    done
}

mixed() {
    for connection in same other; do
        sample "$1" "$connection" "$2" swift_client mixed client --uri "file://$small" \
            --bulk-uri "file://$large" --bulk-connection "$connection" \
            --milliseconds "$mixed_milliseconds"
    done
}

# The peak of a fresh server, whose memory no other row has touched.
memory() {
    wanted memory || return 0
    truncate -s "$memory_read_bytes" "$store/sparse"
    local direction pid
    for direction in get put; do
        printf 'run.sh: memory %s\n' "$direction" >&2
        start_blobrpcd "$work/memory-$direction" "${placed[@]}"
        pid=${pids[-1]}
        sample memory "$direction" 1 memory_of "$pid" start
        sample memory "$direction" 1 "memory_$direction" client
        sample memory "$direction" 1 memory_of "$pid" peak
        kill "$pid"
        wait "$pid" || true
        unset 'pids[-1]'
    done
}

memory_of() {
    awk -v name="$2_mib" '/^VmHWM:/ { print name, $2 / 1024 }' "/proc/$1/status"
}

memory_get() {
    swift_client_of memory-get get --executor "$1" --streams 8 --uri "file://$store/sparse" \
        --byte-count "$memory_read_bytes"
}

# Each stream writes a smaller blob several times: as many bytes, but the disk need not hold them.
memory_put() {
    swift_client_of memory-put put --executor "$1" --streams 8 --uri "file://$store/memory" \
        --repetitions "$memory_repetitions" \
        --byte-count $((memory_read_bytes / memory_repetitions))
    rm -f "$store"/memory-*
}
