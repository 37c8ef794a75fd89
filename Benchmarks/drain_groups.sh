# shellcheck shell=bash disable=SC2154
# What becomes of running calls when the server is told to end, and how long it takes to end.

milliseconds_now() { echo $(($(date +%s%N) / 1000000)); }

# finished SIGNAL COMMAND...: how long a command runs on after a server of its own was sent SIGNAL
# (TERM, or 0 for nothing), and the server after the command. The command has to succeed.
finished() {
    local signal=$1 server client told over
    shift
    start_blobrpcd "$work/drain"
    server=${pid_of[drain]}
    "$@" >/dev/null 2>"$work/drain-client.log" &
    client=$!
    sleep 0.3
    # A command that is over by now says nothing.
    kill -0 "$client" || { kill -KILL "$server" && return 1; }
    kill -s "$signal" "$server"
    told=$(milliseconds_now)
    wait "$client" || { kill -KILL "$server" && return 1; }
    over=$(milliseconds_now)
    echo "rest_ms $((over - told))"
    [ "$signal" = TERM ] || kill -s TERM "$server"
    wait "$server" || return 1
    echo "exit_ms $(($(milliseconds_now) - over))"
}

# stopped COMMAND...: how long a server lives on after SIGTERM beside a command that goes on for ever.
stopped() {
    local client told
    start_blobrpcd "$work/drain"
    "$@" >/dev/null 2>"$work/drain-client.log" &
    client=$!
    sleep 0.3
    kill -0 "$client" || { kill -KILL "${pid_of[drain]}" && return 1; }
    kill -s TERM "${pid_of[drain]}"
    told=$(milliseconds_now)
    wait "${pid_of[drain]}" || return 1
    echo "exit_ms $(($(milliseconds_now) - told))"
    kill "$client" 2>/dev/null || true
    wait "$client" || true
}

drain() {
    local get
    get=(swift_client_of drain get --executor client --streams 8 --uri "file://$large"
        --byte-count "$stream_bytes")
    sample "$1" gets "$2" finished TERM "${get[@]}"
    sample "$1" gets-undisturbed "$2" finished 0 "${get[@]}"
    sample "$1" calls "$2" stopped "$bin/load" "$work/drain" pipelined 60000 head "file://$small"
    sample "$1" idle "$2" stopped sleep 1000
}
