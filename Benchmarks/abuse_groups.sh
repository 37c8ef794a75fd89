# shellcheck shell=bash disable=SC2154
# A hostile peer on a socket of its own, and what is left for a client on another socket of the same
# server. The reference is the client beside a program that only uses a processor: what the attacker
# takes of the machine by itself is no defect of the server. Attacks that move as many bytes as the
# policy allows are compared with two other processes that move as many, and the one that connects and
# hangs up with the same one at another process's socket: connecting is work of the kernel.

abuse_setup() {
    mkdir "$store/tenant"
    head -c $((16 << 20)) /dev/zero >"$store/tenant/blob"
    # A page of listing costs much more than the request for it.
    (mkdir "$store/tenant/many" && cd "$store/tenant/many" && seq -f 'blob-%g' 2000 | xargs touch)
    cat >"$work/abuse.yaml" <<YAML
durability: none
roots: [$store]
listeners:
  - path: $work/neighbour
  - path: $work/tenant
    policy:
      trust: untrusted
      grants: [{prefix: "file://$store/tenant/", operations: [all]}]
      callsPerSecond: 1000
      bytesPerSecond: 104857600
YAML
    start "$work/neighbour" "$blobrpcd" --config "$work/abuse.yaml" --log-level critical
    start "$work/elsewhere" python3 reference/acceptor.py "$work/elsewhere"
}

# beside COMMAND...: the figures of a neighbour while the command runs.
beside() {
    local other
    "$@" >/dev/null 2>"$work/abuse.log" &
    other=$!
    sleep 0.3
    "${limit[@]}" "$bin/load" "$work/neighbour" latency "$calls" head "file://$small"
    "${limit[@]}" "$bin/load" "$work/neighbour" pipelined "$milliseconds" head "file://$small"
    kill -0 "$other" || return 1
    echo "descriptors $(find "/proc/${pid_of[neighbour]}/fd" -type l | wc -l)"
    kill "$other"
    wait "$other" || true
    awk '/^VmHWM:/ { print "peak_mib", $2 / 1024 }' "/proc/${pid_of[neighbour]}/status"
}

use_a_processor() { exec sh -c 'while :; do :; done'; }

abuse() {
    local attack
    sample "$1" alone "$2" beside sleep 1000
    sample "$1" busy "$2" beside use_a_processor
    sample "$1" moving "$2" beside "$bin/mover" "$store/tenant/blob"
    sample "$1" elsewhere "$2" beside "$bin/abuse" "$work/elsewhere" connections \
        "file://$small" "file://$small"
    for attack in "${attacks[@]}"; do
        sample "$1" "$attack" "$2" beside "$bin/abuse" "$work/tenant" "$attack" \
            "file://$store/tenant/blob" "file://$store/tenant/many/"
    done
}

measure_abuse() {
    local attacks
    wanted abuse || return 0
    mapfile -t attacks < <("$bin/abuse" --list)
    abuse_setup
    rounds abuse abuse
}
