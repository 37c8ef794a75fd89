# shellcheck shell=bash disable=SC2154
# The S3 rows of what run.sh measures; see groups.sh.

s3_bucket=bench
s3_key=benchmark
s3_secret=benchmark-secret
object_count=10000
object_bytes=$((16 << 10))

# Endpoints by name, and the keys for them.
declare -A s3_url s3_keys s3_secrets

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_at NAME PORT COMMAND...: a server in the background that listens on the loopback device.
start_at() {
    local name=$1 port=$2
    shift 2
    "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
    pid_of[$name]=$!
    for _ in $(seq 250); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            s3_url[$name]=http://127.0.0.1:$port
            s3_keys[$name]=$s3_key
            s3_secrets[$name]=$s3_secret
            return 0
        fi
        kill -0 "${pids[-1]}" 2>/dev/null || break
        sleep 0.02
    done
    echo "run.sh: $name did not start" >&2
    sed 's/^/  /' "$work/$name.log" >&2
    return 1
}

start_nginx() {
    local port
    port=$(free_port)
    mkdir -p "$work/nginx/root/$s3_bucket/small"
    ln "$large" "$work/nginx/root/$s3_bucket/large"
    local number
    for number in $(seq -f %05g 0 $((object_count - 1))); do
        head -c "$object_bytes" /dev/zero >"$work/nginx/root/$s3_bucket/small/$number"
    done
    local user=
    # Its workers would be nobody, who cannot read the temporary directory.
    [ "$(id -u)" = 0 ] && user="user root;"
    cat >"$work/nginx/nginx.conf" <<TEXT
$user
daemon off;
worker_processes 2;
pid $work/nginx/pid;
error_log stderr;
events { worker_connections 1024; }
http {
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    open_file_cache max=20000 inactive=10m;
    client_body_temp_path $work/nginx/body;
    proxy_temp_path $work/nginx/proxy;
    fastcgi_temp_path $work/nginx/fastcgi;
    uwsgi_temp_path $work/nginx/uwsgi;
    scgi_temp_path $work/nginx/scgi;
    server {
        listen 127.0.0.1:$port backlog=1024;
        root $work/nginx/root;
    }
}
TEXT
    start_at nginx "$port" .build-s3/nginx-program -p "$work/nginx" -c "$work/nginx/nginx.conf"
}

start_seaweedfs() {
    # It ends when its standard input does.
    mkfifo "$work/seaweedfs.input" "$work/seaweedfs.output"
    ../scripts/servers/start.sh seaweedfs <"$work/seaweedfs.input" >"$work/seaweedfs.output" \
        2>"$work/seaweedfs.log" &
    pids+=($!)
    exec 8>"$work/seaweedfs.input" 9<"$work/seaweedfs.output"
    local description
    read -r -t 120 -u 9 description || {
        echo "run.sh: SeaweedFS did not start" >&2
        return 1
    }
    field() { python3 -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$description" "$1"; }
    s3_url[seaweedfs]=$(field endpoint)
    s3_keys[seaweedfs]=$(field accessKeyID)
    s3_secrets[seaweedfs]=$(field secretAccessKey)
    seaweedfs_bucket=$(field bucket)
}

bucket_of() { if [ "$1" = seaweedfs ]; then echo "$seaweedfs_bucket"; else echo "$s3_bucket"; fi; }

# start_s3_blobrpcd NAME ENDPOINT: a server of ours for an endpoint, with its defaults.
start_s3_blobrpcd() {
    local name=$1 endpoint=$2
    cat >"$work/$name.yaml" <<TEXT
s3:
  endpoint: ${s3_url[$endpoint]}
  region: us-east-1
  accessKeyID: ${s3_keys[$endpoint]}
  secretAccessKey: ${s3_secrets[$endpoint]}
  journalDirectory: $work/$name.journal
TEXT
    start "$work/$name" "${placed[@]}" "$blobrpcd" --socket "$work/$name" --root "$store" \
        --log-level warning --config "$work/$name.yaml"
}

wants_s3() { [ -z "$only" ] || [[ ",$only" == *,s3* ]]; }

# Returns 1 when something cannot be had; run.sh goes on without the S3 rows.
prepare_s3() {
    ./s3_setup.sh >&2 || return 1
    # A proxy would only stand between the programs and this machine.
    export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
    start_nginx || return 1
    local port
    port=$(free_port)
    start_at sink "$port" "$bin/s3_sink" "$port" || return 1
    start_seaweedfs || return 1
    local endpoint
    for endpoint in nginx sink seaweedfs; do start_s3_blobrpcd "s3-$endpoint" "$endpoint"; done
    swift_client_of s3-seaweedfs put --executor client --byte-count "$stream_bytes" \
        --uri "s3://$seaweedfs_bucket/large" >/dev/null
}

# costing SERVER COUNT FIGURE COMMAND...: the command's figures, and the processor time that it and
# the server of ours took together, for each of COUNT. "-" is no server.
costing() {
    local server=$1 count=$2 figure=$3 before=0 after=0 wall user kernel TIMEFORMAT='%R %U %S'
    shift 3
    [ "$server" = - ] || before=$(processor_ns "$server")
    { time "$@" >"$work/figures" 2>"$work/errors"; } 2>"$work/clock" || {
        cat "$work/errors" >&2
        return 1
    }
    [ "$server" = - ] || after=$(processor_ns "$server")
    read -r wall user kernel <"$work/clock"
    # blobbench has measured for itself, without its start.
    grep -E '^[a-z0-9_]+_per_s ' "$work/figures" ||
        awk -v figure="$figure" -v count="$count" -v wall="$wall" 'BEGIN { print figure, count / wall }'
    local each=total_cpu_ms_per_gib scale=1000
    [ "$figure" = gib_per_s ] || each=total_cpu_us_per_object scale=1000000
    awk -v each="$each" -v scale="$scale" -v count="$count" -v ns=$((after - before)) \
        -v used="$user" -v kernel="$kernel" \
        'BEGIN { print each, (ns / 1e9 + used + kernel) * scale / count }'
}

# moving BYTES SERVER COMMAND... and handling SERVER COMMAND...: with the figures of large and small
# blobs. What the command says is dropped, unless it measures for itself.
moving() {
    local bytes=$1 server=$2
    shift 2
    costing "$server" "$(awk -v bytes="$bytes" 'BEGIN { print bytes / 1073741824 }')" gib_per_s "$@"
}
handling() {
    local server=$1
    shift
    costing "$server" "$object_count" objects_per_s "$@"
}
quiet() { "$@" >/dev/null; }

s5cmd_at() {
    local endpoint=$1
    shift
    AWS_ACCESS_KEY_ID=${s3_keys[$endpoint]} AWS_SECRET_ACCESS_KEY=${s3_secrets[$endpoint]} \
        AWS_REGION=us-east-1 "${limit[@]}" "${placed[@]}" .build-s3/venv/bin/s5cmd \
        --endpoint-url "${s3_url[$endpoint]}" --log error "$@"
}
obstore_at() {
    local endpoint=$1 operation=$2
    shift 2
    "${limit[@]}" "${placed[@]}" .build-s3/venv/bin/python reference/obstore_client.py \
        "$operation" --endpoint "${s3_url[$endpoint]}" --bucket "$(bucket_of "$endpoint")" \
        --access-key "${s3_keys[$endpoint]}" --secret-key "${s3_secrets[$endpoint]}" "$@"
}
# Signs only where signatures are checked.
curl_at() {
    local endpoint=$1
    shift
    local signature=()
    [ "$endpoint" = seaweedfs ] && signature=(--aws-sigv4 "aws:amz:us-east-1:s3"
        --user "${s3_keys[$endpoint]}:${s3_secrets[$endpoint]}"
        --header "x-amz-content-sha256: UNSIGNED-PAYLOAD")
    "${limit[@]}" "${placed[@]}" curl --silent --show-error --fail "${signature[@]}" "$@"
}
blobctl_at() {
    local endpoint=$1
    shift
    "${limit[@]}" "${placed[@]}" "$blobctl" --socket "$work/s3-$endpoint" "$@"
}

# s3_get_series GROUP ROUND ENDPOINT BYTES
s3_get_series() {
    local group=$1 round=$2 endpoint=$3 bytes=$4 bucket
    bucket=$(bucket_of "$endpoint")
    sample "$group" swift-client "$round" moving "$bytes" "s3-$endpoint" \
        swift_client_of "s3-$endpoint" get --executor client --uri "s3://$bucket/large" \
        --byte-count "$bytes"
    sample "$group" curl "$round" moving "$bytes" - \
        curl_at "$endpoint" --output /dev/null "${s3_url[$endpoint]}/$bucket/large"
    sample "$group" blobctl "$round" moving "$bytes" "s3-$endpoint" \
        quiet blobctl_at "$endpoint" get "s3://$bucket/large" -
    sample "$group" obstore "$round" obstore_at "$endpoint" get --key large --byte-count "$bytes"
    sample "$group" s5cmd "$round" moving "$bytes" - \
        quiet s5cmd_at "$endpoint" cat "s3://$bucket/large"
}

s3_put_series() {
    local group=$1 round=$2 endpoint=$3 bytes=$4 file=$5 bucket
    bucket=$(bucket_of "$endpoint")
    sample "$group" swift-client "$round" moving "$bytes" "s3-$endpoint" \
        swift_client_of "s3-$endpoint" put --executor client --uri "s3://$bucket/put" \
        --byte-count "$bytes"
    sample "$group" curl "$round" moving "$bytes" - \
        quiet curl_at "$endpoint" --upload-file "$file" "${s3_url[$endpoint]}/$bucket/put"
    sample "$group" blobctl "$round" moving "$bytes" "s3-$endpoint" \
        quiet blobctl_at "$endpoint" put "$file" "s3://$bucket/put"
    sample "$group" obstore "$round" obstore_at "$endpoint" put --key put --file "$file" \
        --byte-count "$bytes"
    sample "$group" s5cmd "$round" moving "$bytes" - \
        quiet s5cmd_at "$endpoint" cp "$file" "s3://$bucket/put"
}

s3_get() { s3_get_series "$1" "$2" nginx "$stream_bytes"; }
s3_get_seaweedfs() { s3_get_series "$1" "$2" seaweedfs "$stream_bytes"; }
s3_put() { s3_put_series "$1" "$2" sink "$stream_bytes" "$large"; }
s3_put_seaweedfs() { s3_put_series "$1" "$2" seaweedfs "$seaweedfs_bytes" "$work/middle"; }

s3_small_get() {
    local last=$((object_count - 1)) group=$1 round=$2
    local url=${s3_url[nginx]}/$s3_bucket/small
    sample "$group" swift-client "$round" handling s3-nginx \
        swift_client_of s3-nginx get-many --executor client --uri "s3://$s3_bucket/small/" \
        --count "$object_count"
    sample "$group" curl "$round" handling - curl_at nginx --parallel --parallel-max 64 \
        --output /dev/null "$url/[00000-$(printf %05d "$last")]"
    sample "$group" obstore "$round" obstore_at nginx get-many --key small/ --count "$object_count"
    seq -f "cat s3://$s3_bucket/small/%05g" 0 "$last" >"$work/s5cmd-get"
    sample "$group" s5cmd "$round" handling - quiet s5cmd_at nginx --numworkers 64 run \
        "$work/s5cmd-get"
}

s3_small_put() {
    local last=$((object_count - 1)) group=$1 round=$2
    local url=${s3_url[sink]}/$s3_bucket/small
    local files=$work/nginx/root/$s3_bucket/small
    sample "$group" swift-client "$round" handling s3-sink \
        swift_client_of s3-sink put-many --executor client --uri "s3://$s3_bucket/small/" \
        --count "$object_count"
    sample "$group" curl "$round" handling - quiet curl_at sink --parallel --parallel-max 64 \
        --upload-file "$files/[00000-$(printf %05d "$last")]" "$url/"
    sample "$group" obstore "$round" obstore_at sink put-many --key small/ --count "$object_count"
    seq -f %05g 0 "$last" | sed "s|.*|cp $files/& s3://$s3_bucket/small/&|" >"$work/s5cmd-put"
    sample "$group" s5cmd "$round" handling - quiet s5cmd_at sink --numworkers 64 run \
        "$work/s5cmd-put"
}

s3_presign() {
    sample "$1" backend "$2" "${limit[@]}" "${pinned[@]}" "$blobbench" sign \
        --endpoint "${s3_url[sink]}" --uri "s3://$s3_bucket/a/key/of/usual/length.bin"
    sample "$1" obstore "$2" obstore_at sink sign --key a/key/of/usual/length-
    sample "$1" socket "$2" swift_client_of s3-sink presign --executor client \
        --uri "s3://$s3_bucket/a/key/of/usual/length.bin"
}

# The peak of a fresh server, as in `memory`.
s3_memory() {
    wanted s3-memory || return 0
    printf 'run.sh: s3-memory\n' >&2
    local direction endpoint
    for direction in get put; do
        endpoint=nginx
        [ "$direction" = put ] && endpoint=sink
        start_s3_blobrpcd "s3-memory-$direction" "$endpoint"
        sample s3-memory "$direction" 1 memory_of "${pids[-1]}" start
        sample s3-memory "$direction" 1 swift_client_of "s3-memory-$direction" "$direction" \
            --executor client --streams 8 --byte-count "$stream_bytes" \
            --uri "s3://$s3_bucket/large"
        sample s3-memory "$direction" 1 memory_of "${pids[-1]}" peak
        kill "${pids[-1]}"
        wait "${pids[-1]}" || true
        unset 'pids[-1]'
    done
}

measure_s3() {
    wants_s3 || return 0
    if ! prepare_s3; then
        printf 's3\tset-up\n' >>"$failures"
        echo "run.sh: the S3 rows are left out" >&2
        return 0
    fi
    head -c "$seaweedfs_bytes" /dev/zero >"$work/middle"
    rounds s3-get s3_get
    rounds s3-get-seaweedfs s3_get_seaweedfs
    rounds s3-put s3_put
    rounds s3-put-seaweedfs s3_put_seaweedfs
    rounds s3-small-get s3_small_get
    rounds s3-small-put s3_small_put
    rounds s3-presign s3_presign
    s3_memory
}
