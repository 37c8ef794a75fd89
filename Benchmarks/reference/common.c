#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void die(const char *what) {
    perror(what);
    exit(1);
}

void refuse(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) refuse("the path is too long for a socket");
    strcpy(address.sun_path, path);
    return address;
}

static void ask_for_buffer(int descriptor) {
    int size = socket_buffer_size;
    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) < 0) die("SO_SNDBUF");
}

int listen_at(const char *path) {
    struct sockaddr_un address = address_of(path);
    unlink(path);
    // A client that went away is an error of one call, not the end of the server.
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) die("socket");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) die(path);
    if (listen(listener, 128) < 0) die("listen");
    return listener;
}

int accept_one(int listener) {
    int connection;
    do connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    while (connection < 0 && errno == EINTR);
    if (connection < 0) die("accept");
    ask_for_buffer(connection);
    return connection;
}

int connect_to(const char *path) {
    struct sockaddr_un address = address_of(path);
    int64_t deadline = now_ns() + 5000000000;
    while (1) {
        int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connection < 0) die("socket");
        if (connect(connection, (struct sockaddr *)&address, sizeof address) == 0) {
            ask_for_buffer(connection);
            return connection;
        }
        if ((errno != ECONNREFUSED && errno != ENOENT) || now_ns() > deadline) die(path);
        close(connection);
        usleep(10000);
    }
}

void write_all(int descriptor, const void *bytes, size_t count) {
    const char *next = bytes;
    while (count > 0) {
        ssize_t written = write(descriptor, next, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) die("write");
        next += written;
        count -= (size_t)written;
    }
}

int read_all(int descriptor, void *bytes, size_t count) {
    size_t total = 0;
    while (total < count) {
        ssize_t received = read(descriptor, (char *)bytes + total, count - total);
        if (received < 0 && errno == EINTR) continue;
        if (received < 0) die("read");
        if (received == 0 && total == 0) return 0;
        if (received == 0) refuse("the peer closed the connection in the middle");
        total += (size_t)received;
    }
    return 1;
}

void *allocate(size_t count) {
    void *memory = malloc(count);
    if (memory == NULL) die("malloc");
    // Touched now, so that no page fault is measured later.
    memset(memory, 0x5a, count);
    return memory;
}

uint64_t parse_count(const char *text) {
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || value == 0) {
        refuse("a count must be a number above 0");
    }
    return value;
}

static int compare(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

void print_latencies(int64_t *samples, size_t count) {
    qsort(samples, count, sizeof *samples, compare);
    printf("p50_us %.3f\n", (double)samples[count / 2] / 1e3);
    printf("p99_us %.3f\n", (double)samples[count * 99 / 100] / 1e3);
    printf("max_us %.3f\n", (double)samples[count - 1] / 1e3);
}

void print_rate(uint64_t byte_count, int64_t elapsed_ns) {
    printf("gib_per_s %.4f\n", (double)byte_count / (double)(1 << 30) * 1e9 / (double)elapsed_ns);
    // For who divides the server's processor time by it.
    printf("gib %.6f\n", (double)byte_count / (double)(1 << 30));
}
