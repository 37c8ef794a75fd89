// Frames of our protocol, written byte by byte; shared by the load generator and the attacker.
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum { header_size = 16, hello_size = 40, preface_size = 8 };
enum {
    hello = 1, request = 2, response = 3, data = 4, credit = 5, reset = 6, ping = 8, pong = 9
};
enum { end_flag = 1, no_data_flag = 2 };

static inline unsigned char *put(unsigned char *target, const void *bytes, size_t count) {
    memcpy(target, bytes, count);
    return target + count;
}

static inline unsigned char *put16(unsigned char *target, uint16_t value) {
    value = htobe16(value);
    return put(target, &value, sizeof value);
}

static inline unsigned char *put32(unsigned char *target, uint32_t value) {
    value = htobe32(value);
    return put(target, &value, sizeof value);
}

static inline unsigned char *put64(unsigned char *target, uint64_t value) {
    value = htobe64(value);
    return put(target, &value, sizeof value);
}

static inline unsigned char *put_header(unsigned char *target, size_t length, int type, int flags,
                                        uint32_t stream, uint32_t auxiliary) {
    target = put32(target, (uint32_t)length);
    *target++ = (unsigned char)type;
    *target++ = (unsigned char)flags;
    *target++ = 0; // descriptors
    *target++ = 0; // reserved
    return put32(put32(target, stream), auxiliary);
}

// The preface and HELLO. `stream_window` is what the server may send on every stream unasked.
static inline unsigned char *put_hello(unsigned char *target, uint32_t stream_window) {
    unsigned char *next = put(target, "BLOBRPC\n", preface_size);
    next = put_header(next, hello_size, hello, 0, 0, 0);
    next = put16(put16(next, 1), 1);   // generations
    next = put32(next, 1 << 20);       // largest DATA
    next = put32(next, 64 << 10);      // largest header block
    next = put32(next, stream_window);
    next = put64(next, (uint64_t)1 << 62);
    next = put32(put32(next, 0), 0);   // streams, reserved
    return put64(next, 0);             // features
}

// A REQUEST without a body for `uri`, which no time limit ends.
static inline unsigned char *put_request(unsigned char *target, int flags, uint32_t stream,
                                         uint16_t operation, const char *uri) {
    size_t uri_size = strlen(uri);
    target = put_header(target, 12 + uri_size, request, flags, stream, 0);
    target = put32(put16(put16(target, operation), 0), 0);
    target = put16(put16(target, 0x8000 | 1), (uint16_t)uri_size); // the URI, critical
    return put(target, uri, uri_size);
}
