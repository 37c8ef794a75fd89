// Reads a file into one reused buffer: how fast the page cache gives the bytes without a socket.
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <unistd.h>

enum { buffer_size = 256 << 10 };

int main(int count, char **arguments) {
    if (count != 2) refuse("usage: pread_file FILE");
    char *buffer = allocate(buffer_size);
    int file = open(arguments[1], O_RDONLY | O_CLOEXEC);
    if (file < 0) die(arguments[1]);
    int64_t start = now_ns();
    off_t offset = 0;
    while (1) {
        ssize_t received = pread(file, buffer, buffer_size, offset);
        if (received < 0) die("pread");
        if (received == 0) break;
        offset += received;
    }
    print_rate((uint64_t)offset, now_ns() - start);
}
