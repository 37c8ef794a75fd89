// What every program of the references shares: sockets, time, percentiles.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// The server and the Swift client ask for the same: a smaller buffer would slow the reference down.
enum { socket_buffer_size = 1 << 20 };

// Prints the message with errno's text and ends the process: a benchmark that limps on would
// print figures that mean nothing.
_Noreturn void die(const char *what);
// The same without errno.
_Noreturn void refuse(const char *what);

int64_t now_ns(void);

// A listening Unix socket at `path`; replaces what is there.
int listen_at(const char *path);
int accept_one(int listener);
// Tries for five seconds: the server may still be starting.
int connect_to(const char *path);

void write_all(int descriptor, const void *bytes, size_t count);
// False when the stream ends before the first byte.
int read_all(int descriptor, void *bytes, size_t count);
void *allocate(size_t count);

uint64_t parse_count(const char *text);

// Sorts `samples` and prints `p50_us`, `p99_us` and `max_us`.
void print_latencies(int64_t *samples, size_t count);
// Prints `gib_per_s` and `gib`.
void print_rate(uint64_t byte_count, int64_t elapsed_ns);
