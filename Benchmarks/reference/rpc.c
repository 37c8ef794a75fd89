#define _GNU_SOURCE
#include "rpc.h"

#include "common.h"
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    buffer_size = 256 << 10,
    request_size_max = 1024,
    calls_per_send_max = 256,
};

// As much as the field of HELLO can hold, so that a gigabyte needs no further grant.
static const uint64_t stream_window = UINT32_MAX;

struct rpc {
    int descriptor;
    int is_open;
    uint32_t last_stream;
    unsigned char request[request_size_max];
    size_t request_size;
    unsigned char out[calls_per_send_max * request_size_max];
    unsigned char in[buffer_size];
    size_t in_size;
    // What is still to come of the DATA frame that is being passed over.
    size_t data_rest;
    uint64_t body_byte_count;
    // Counted for the stream that is being received; only one body comes at a time.
    uint64_t stream_byte_count;
    uint64_t stream_limit;
};

static uint32_t get32(const unsigned char *source) {
    uint32_t value;
    memcpy(&value, source, sizeof value);
    return be32toh(value);
}

static void say_hello(struct rpc *rpc) {
    unsigned char frame[preface_size + header_size + hello_size];
    unsigned char *next = put_hello(frame, (uint32_t)stream_window);
    write_all(rpc->descriptor, frame, (size_t)(next - frame));
}

struct rpc *rpc_open(const char *path) {
    struct rpc *rpc = allocate(sizeof *rpc);
    memset(rpc, 0, sizeof *rpc);
    rpc->descriptor = connect_to(path);
    say_hello(rpc);
    while (!rpc->is_open) rpc_receive(rpc);
    return rpc;
}

void rpc_prepare(struct rpc *rpc, enum rpc_operation operation, const char *uri) {
    if (header_size + 12 + strlen(uri) > request_size_max) refuse("the URI is too long");
    unsigned char *next = put_request(
        rpc->request, end_flag | no_data_flag, 0, (uint16_t)operation, uri);
    rpc->request_size = (size_t)(next - rpc->request);
}

void rpc_send(struct rpc *rpc, size_t count) {
    if (count > calls_per_send_max) refuse("too many calls in one send");
    unsigned char *next = rpc->out;
    for (size_t i = 0; i < count; i++) {
        rpc->last_stream += rpc->last_stream == 0 ? 1 : 2;
        unsigned char *frame = next;
        next = put(next, rpc->request, rpc->request_size);
        put32(frame + 8, rpc->last_stream);
    }
    rpc->stream_byte_count = 0;
    rpc->stream_limit = stream_window;
    write_all(rpc->descriptor, rpc->out, (size_t)(next - rpc->out));
}

static void note_data(struct rpc *rpc, uint32_t stream, size_t length) {
    rpc->data_rest = length;
    rpc->body_byte_count += length;
    rpc->stream_byte_count += length;
    if (rpc->stream_limit - rpc->stream_byte_count > stream_window / 4 * 3) return;
    rpc->stream_limit = rpc->stream_byte_count + stream_window;
    unsigned char frame[header_size + 8];
    put64(put_header(frame, 8, credit, 0, stream, 0), rpc->stream_limit);
    write_all(rpc->descriptor, frame, sizeof frame);
}

static void answer_ping(struct rpc *rpc, uint32_t echo) {
    unsigned char frame[header_size];
    put_header(frame, 0, pong, 0, 0, echo);
    write_all(rpc->descriptor, frame, sizeof frame);
}

// Returns whether the frame ends a call.
static int take_frame(struct rpc *rpc, const unsigned char *frame, size_t payload_size) {
    switch (frame[4]) {
    case hello:
        rpc->is_open = 1;
        return 0;
    case response:
        // The first field is the status; a failed call would be a fast call.
        if (payload_size < 2 || frame[16] != 0 || frame[17] != 0) {
            fprintf(stderr, "a call failed with 0x%02x%02x\n", frame[16], frame[17]);
            exit(1);
        }
        return (frame[5] & end_flag) != 0;
    case ping:
        answer_ping(rpc, get32(frame + 12));
        return 0;
    case credit: return 0;
    default:
        fprintf(stderr, "an unexpected frame of type %d\n", frame[4]);
        exit(1);
    }
}

static size_t take_frames(struct rpc *rpc) {
    size_t ended = 0, offset = 0;
    while (1) {
        size_t available = rpc->in_size - offset;
        size_t skipped = available < rpc->data_rest ? available : rpc->data_rest;
        rpc->data_rest -= skipped;
        offset += skipped;
        available -= skipped;
        if (rpc->data_rest > 0 || available < header_size) break;
        const unsigned char *frame = rpc->in + offset;
        size_t length = get32(frame);
        if (frame[4] == data) {
            note_data(rpc, get32(frame + 8), length);
            offset += header_size;
            continue;
        }
        if (header_size + length > sizeof rpc->in) refuse("a frame is too long");
        if (available < header_size + length) break;
        ended += (size_t)take_frame(rpc, frame, length);
        offset += header_size + length;
    }
    memmove(rpc->in, rpc->in + offset, rpc->in_size - offset);
    rpc->in_size -= offset;
    return ended;
}

size_t rpc_receive(struct rpc *rpc) {
    ssize_t received =
        recv(rpc->descriptor, rpc->in + rpc->in_size, sizeof rpc->in - rpc->in_size, 0);
    if (received < 0) die("recv");
    if (received == 0) refuse("the server closed the connection");
    rpc->in_size += (size_t)received;
    return take_frames(rpc);
}

uint64_t rpc_body_byte_count(const struct rpc *rpc) {
    return rpc->body_byte_count;
}
