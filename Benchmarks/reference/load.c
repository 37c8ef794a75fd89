// The one load generator: the same loop measures the echo servers and ours, so that what differs
// between two figures is the server.
#include "common.h"
#include "rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { echo_size = 64, buffer_size = 64 << 10, depth_max = 256 };

// What is called: an echo server, or ours when `rpc` is set.
struct target {
    struct rpc *rpc;
    int descriptor;
    size_t echo_rest;
    char out[depth_max * echo_size];
    char in[buffer_size];
};

static void send_calls(struct target *target, size_t count) {
    if (target->rpc != NULL) {
        rpc_send(target->rpc, count);
    } else {
        write_all(target->descriptor, target->out, count * echo_size);
    }
}

// Receives once and returns how many calls ended.
static size_t receive_calls(struct target *target) {
    if (target->rpc != NULL) return rpc_receive(target->rpc);
    ssize_t received = recv(target->descriptor, target->in, sizeof target->in, 0);
    if (received < 0) die("recv");
    if (received == 0) refuse("the server closed the connection");
    size_t total = target->echo_rest + (size_t)received;
    target->echo_rest = total % echo_size;
    return total / echo_size;
}

static void call_once(struct target *target) {
    send_calls(target, 1);
    size_t ended = 0;
    while (ended == 0) ended = receive_calls(target);
}

static void measure_latency(struct target *target, size_t count) {
    int64_t *samples = allocate(count * sizeof *samples);
    for (size_t i = 0; i < count / 10; i++) call_once(target);
    for (size_t i = 0; i < count; i++) {
        int64_t start = now_ns();
        call_once(target);
        samples[i] = now_ns() - start;
    }
    print_latencies(samples, count);
    free(samples);
}

// Keeps `depth` calls under way: each receive is followed by as many new calls as have ended.
static uint64_t run_pipelined(struct target *target, size_t depth, int64_t duration) {
    uint64_t ended = 0;
    size_t under_way = depth;
    int64_t deadline = now_ns() + duration;
    send_calls(target, depth);
    while (now_ns() < deadline) {
        size_t count = receive_calls(target);
        if (count == 0) continue;
        ended += count;
        send_calls(target, count);
    }
    while (under_way > 0) under_way -= receive_calls(target);
    return ended + depth;
}

static void measure_pipelined(struct target *target, size_t depth, uint64_t milliseconds) {
    if (depth > depth_max) refuse("the depth is too large");
    int64_t duration = (int64_t)milliseconds * 1000000;
    uint64_t warm_up_count = run_pipelined(target, depth, duration / 10);
    int64_t start = now_ns();
    uint64_t count = run_pipelined(target, depth, duration);
    printf("calls_per_s %.1f\n", (double)count * 1e9 / (double)(now_ns() - start));
    // For who divides the server's processor time by it.
    printf("calls %.0f\n", (double)(warm_up_count + count));
}

static void measure_get(struct target *target, uint64_t expected) {
    if (target->rpc == NULL) refuse("an echo server has nothing to get");
    int64_t start = now_ns();
    call_once(target);
    int64_t elapsed = now_ns() - start;
    if (rpc_body_byte_count(target->rpc) != expected) refuse("the body has the wrong length");
    print_rate(expected, elapsed);
}

static struct target *open_target(const char *path, const char *what, const char *uri) {
    struct target *target = allocate(sizeof *target);
    target->rpc = NULL;
    target->echo_rest = 0;
    if (strcmp(what, "echo") == 0) {
        target->descriptor = connect_to(path);
        return target;
    }
    if (uri == NULL) refuse("the URI is missing");
    target->rpc = rpc_open(path);
    if (strcmp(what, "head") == 0) rpc_prepare(target->rpc, rpc_head, uri);
    else if (strcmp(what, "capabilities") == 0) rpc_prepare(target->rpc, rpc_capabilities, uri);
    else if (strcmp(what, "get") == 0) rpc_prepare(target->rpc, rpc_get, uri);
    else refuse("unknown call");
    return target;
}

int main(int count, char **arguments) {
    const char *usage =
        "usage: load SOCKET latency COUNT | pipelined MILLISECONDS | body BYTES\n"
        "            echo | head URI | capabilities URI | get URI";
    if (count < 5 || count > 6) refuse(usage);
    uint64_t number = parse_count(arguments[3]);
    struct target *target =
        open_target(arguments[1], arguments[4], count == 6 ? arguments[5] : NULL);
    if (strcmp(arguments[2], "latency") == 0) measure_latency(target, number);
    else if (strcmp(arguments[2], "pipelined") == 0) measure_pipelined(target, 128, number);
    else if (strcmp(arguments[2], "body") == 0) measure_get(target, number);
    else refuse(usage);
}
