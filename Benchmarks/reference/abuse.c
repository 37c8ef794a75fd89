// A hostile peer. It does one bad thing as fast as it can, over and over, until it is killed: what
// the server does for others meanwhile is measured beside it. See `attacks` for what there is.
#define _GNU_SOURCE
#include "common.h"
#include "frame.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { volley_size = 128 << 10, connections_max = 2048, window_unread = 1 << 30 };
enum { op_get = 2, op_put = 3, op_list = 6, op_info = 17 };

struct peer {
    int descriptor;
    uint32_t last_stream;
    unsigned char *out;
    size_t begin, end;
    int was_sent;
    int64_t next_at;
};

struct attack {
    const char *name;
    int connection_count;
    // Whether to begin with HELLO, with this much credit for each stream.
    int says_hello;
    uint32_t stream_window;
    // What comes next; NULL for nothing.
    unsigned char *(*next)(struct peer *peer, unsigned char *out);
    // Again and again on one connection, else once.
    int repeats;
    // Whether answers are read (and dropped).
    int reads;
    // Bytes a send, with 10 ms between them; 0 for as many as there are.
    size_t trickle;
    // Closes at once and connects again.
    int hangs_up;
    int passes_descriptor;
};

static const char *blob_uri, *prefix_uri;
static uint64_t connection_count, refusal_count, byte_count;

static uint32_t next_stream(struct peer *peer) {
    return peer->last_stream += peer->last_stream == 0 ? 1 : 2;
}

static unsigned char *half_frame(struct peer *peer, unsigned char *out) {
    out = put_header(out, 1000, request, end_flag | no_data_flag, next_stream(peer), 0);
    return put64(out, 0);
}

static unsigned char *oversize(struct peer *peer, unsigned char *out) {
    return put_header(out, 0xFFFFFF, request, end_flag | no_data_flag, next_stream(peer), 0);
}

static unsigned char *resets(struct peer *peer, unsigned char *out) {
    for (int i = 0; i < 200; i++) {
        uint32_t stream = next_stream(peer);
        out = put_request(out, end_flag | no_data_flag, stream, op_get, blob_uri);
        out = put_header(out, 0, reset, 0, stream, 0);
    }
    return out;
}

static unsigned char *pings(struct peer *peer, unsigned char *out) {
    (void)peer;
    for (uint32_t i = 0; i < 1000; i++) out = put_header(out, 0, ping, 0, 0, i);
    return out;
}

static unsigned char *beyond_credit(struct peer *peer, unsigned char *out) {
    uint32_t stream = peer->last_stream;
    if (stream == 0) {
        stream = next_stream(peer);
        out = put_request(out, 0, stream, op_put, prefix_uri);
    }
    out = put_header(out, 64 << 10, data, 0, stream, 0);
    memset(out, 1, 64 << 10);
    return out + (64 << 10);
}

static unsigned char *stream_again(struct peer *peer, unsigned char *out) {
    (void)peer;
    for (int i = 0; i < 2; i++) {
        out = put_request(out, end_flag | no_data_flag, 1, op_get, blob_uri);
    }
    return out;
}

static unsigned char *gets(struct peer *peer, unsigned char *out) {
    for (int i = 0; i < 64; i++) {
        out = put_request(out, end_flag | no_data_flag, next_stream(peer), op_get, blob_uri);
    }
    return out;
}

static unsigned char *lists(struct peer *peer, unsigned char *out) {
    for (int i = 0; i < 64; i++) {
        out = put_request(out, end_flag | no_data_flag, next_stream(peer), op_list, prefix_uri);
    }
    return out;
}

// Puts whose bodies never come.
static unsigned char *streams(struct peer *peer, unsigned char *out) {
    for (int i = 0; i < 500; i++) {
        out = put_request(out, 0, next_stream(peer), op_put, prefix_uri);
    }
    return out;
}

static unsigned char *field_bomb(struct peer *peer, unsigned char *out) {
    for (int i = 0; i < 6; i++) {
        size_t payload_size = 16 << 10;
        out = put_header(
            out, payload_size, request, end_flag | no_data_flag, next_stream(peer), 0);
        out = put32(put16(put16(out, op_info), 0), 0);
        // Fields that nobody knows, each without a value.
        for (size_t at = 8; at < payload_size; at += 4) out = put16(put16(out, 0x7000), 0);
    }
    return out;
}

static unsigned char *http(struct peer *peer, unsigned char *out) {
    (void)peer;
    const char *text = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    return put(out, text, strlen(text));
}

static unsigned char *tls(struct peer *peer, unsigned char *out) {
    (void)peer;
    const unsigned char bytes[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3};
    return put(out, bytes, sizeof bytes);
}

static unsigned char *preface_only(struct peer *peer, unsigned char *out) {
    (void)peer;
    return put_hello(out, 0);
}

static const struct attack attacks[] = {
    {.name = "no-hello", .connection_count = 64},
    {.name = "slow-hello", .connection_count = 16, .next = preface_only, .trickle = 1},
    {.name = "half-frames", .connection_count = 16, .says_hello = 1, .next = half_frame},
    {.name = "oversize", .connection_count = 4, .says_hello = 1, .next = oversize},
    {.name = "reset-flood", .connection_count = 4, .says_hello = 1, .next = resets,
        .repeats = 1, .reads = 1},
    {.name = "ping-flood", .connection_count = 4, .says_hello = 1, .next = pings, .repeats = 1,
        .reads = 1},
    {.name = "beyond-credit", .connection_count = 4, .says_hello = 1, .next = beyond_credit,
        .repeats = 1},
    {.name = "stream-reuse", .connection_count = 4, .says_hello = 1, .next = stream_again,
        .reads = 1},
    {.name = "unread", .connection_count = 16, .says_hello = 1, .stream_window = window_unread,
        .next = gets},
    {.name = "connections", .connection_count = 64, .hangs_up = 1},
    {.name = "kept-connections", .connection_count = 2000, .says_hello = 1},
    {.name = "streams", .connection_count = 16, .says_hello = 1, .next = streams, .repeats = 1,
        .reads = 1},
    {.name = "field-bomb", .connection_count = 4, .says_hello = 1, .next = field_bomb,
        .repeats = 1, .reads = 1},
    {.name = "lists", .connection_count = 16, .says_hello = 1, .stream_window = window_unread,
        .next = lists, .repeats = 1, .reads = 1},
    {.name = "gets", .connection_count = 16, .says_hello = 1, .stream_window = window_unread,
        .next = gets, .repeats = 1, .reads = 1},
    {.name = "descriptors", .connection_count = 4, .says_hello = 1, .passes_descriptor = 1},
    {.name = "http", .connection_count = 4, .next = http},
    {.name = "tls", .connection_count = 4, .next = tls},
};

static void hang_up(struct peer *peer) {
    close(peer->descriptor);
    peer->descriptor = -1;
}

static int dial(struct peer *peer, const struct attack *attack, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) die("socket");
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0) {
        // The backlog is full, which is what the server means by it.
        if (errno != EAGAIN && errno != ECONNREFUSED) die(path);
        refusal_count++;
        close(descriptor);
        return 0;
    }
    connection_count++;
    peer->descriptor = descriptor;
    peer->last_stream = 0;
    peer->was_sent = 0;
    peer->next_at = 0;
    peer->begin = peer->end = 0;
    if (attack->says_hello) {
        peer->end = (size_t)(put_hello(peer->out, attack->stream_window) - peer->out);
    }
    return 1;
}

static int send_descriptor(int descriptor) {
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec vector = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
        .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
        .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    return sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

// False when the server has closed the connection.
static int send_more(struct peer *peer, const struct attack *attack, int *has_moved) {
    if (peer->begin == peer->end) {
        if (attack->passes_descriptor && !peer->was_sent) {
            peer->was_sent = 1;
            *has_moved = 1;
            return send_descriptor(peer->descriptor);
        }
        if (attack->next == NULL || (peer->was_sent && !attack->repeats)) return 1;
        peer->begin = 0;
        peer->end = (size_t)(attack->next(peer, peer->out) - peer->out);
        peer->was_sent = 1;
    }
    size_t size = peer->end - peer->begin;
    if (attack->trickle > 0) {
        int64_t now = now_ns();
        if (now < peer->next_at) return 1;
        peer->next_at = now + 10000000;
        if (size > attack->trickle) size = attack->trickle;
    }
    ssize_t sent = send(
        peer->descriptor, peer->out + peer->begin, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return errno == EAGAIN;
    peer->begin += (size_t)sent;
    byte_count += (uint64_t)sent;
    *has_moved = 1;
    return 1;
}

// False when the server has closed the connection. Who never reads looks for that only.
static int receive_more(struct peer *peer, const struct attack *attack, int *has_moved) {
    static unsigned char in[256 << 10];
    if (!attack->reads) {
        struct pollfd poller = {.fd = peer->descriptor, .events = POLLRDHUP};
        return poll(&poller, 1, 0) == 0;
    }
    ssize_t received = recv(peer->descriptor, in, sizeof in, MSG_DONTWAIT);
    if (received < 0) return errno == EAGAIN;
    if (received > 0) *has_moved = 1;
    return received > 0;
}

static void step(struct peer *peer, const struct attack *attack, const char *path, int *has_moved) {
    if (peer->descriptor < 0 && !dial(peer, attack, path)) return;
    if (attack->hangs_up) {
        hang_up(peer);
        *has_moved = 1;
        return;
    }
    if (!send_more(peer, attack, has_moved) || !receive_more(peer, attack, has_moved)) {
        hang_up(peer);
    }
}

static volatile sig_atomic_t is_over;
static void stop(int signal) { (void)signal; is_over = 1; }

int main(int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "--list") == 0) {
        for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) puts(attacks[i].name);
        return 0;
    }
    if (count != 5) refuse("usage: abuse --list | abuse SOCKET ATTACK BLOB-URI PREFIX-URI");
    const struct attack *attack = NULL;
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        if (strcmp(attacks[i].name, arguments[2]) == 0) attack = &attacks[i];
    }
    if (attack == NULL) refuse("unknown attack");
    blob_uri = arguments[3];
    prefix_uri = arguments[4];
    signal(SIGTERM, stop);
    static struct peer peers[connections_max];
    for (int i = 0; i < attack->connection_count; i++) {
        peers[i].descriptor = -1;
        // Untouched until it is needed, for there may be many.
        peers[i].out = malloc(volley_size);
        if (peers[i].out == NULL) die("malloc");
    }
    while (!is_over) {
        int has_moved = 0;
        for (int i = 0; i < attack->connection_count; i++) {
            step(&peers[i], attack, arguments[1], &has_moved);
        }
        if (!has_moved) usleep(1000);
    }
    fprintf(stderr, "%s: %llu connections, %llu refused, %llu bytes sent\n", attack->name,
        (unsigned long long)connection_count, (unsigned long long)refusal_count,
        (unsigned long long)byte_count);
}
