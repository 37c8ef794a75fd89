#!/usr/bin/env bash
# Builds what run.sh measures: the server and the Swift client in release, the references with -O2.
set -euo pipefail
cd "$(dirname "$0")"

(cd .. && swift build -c release --product blobrpcd && swift build -c release --product blobctl)
swift build -c release --product blobbench

compiler=(${CC:-cc} -O2 -std=c17 -Wall -Wextra -Werror)
mkdir -p bin
for program in echo_blocking echo_epoll sendfile_server stream_reader pread_file put_receiver \
    put_sender; do
    "${compiler[@]}" -o "bin/$program" "reference/$program.c" reference/common.c
done
"${compiler[@]}" -o bin/load reference/load.c reference/rpc.c reference/common.c
"${compiler[@]}" -o bin/mover reference/mover.c reference/common.c
"${compiler[@]}" -o bin/abuse reference/abuse.c reference/common.c
"${compiler[@]}" -pthread -o bin/s3_sink reference/s3_sink.c reference/common.c
