// Receives everything a server sends into one reused buffer and prints how fast it came.
#include "common.h"

#include <sys/socket.h>

enum { buffer_size = 256 << 10 };

int main(int count, char **arguments) {
    if (count != 3) refuse("usage: stream_reader SOCKET EXPECTED_BYTES");
    uint64_t expected = parse_count(arguments[2]);
    char *buffer = allocate(buffer_size);
    int64_t start = now_ns();
    int connection = connect_to(arguments[1]);
    uint64_t total = 0;
    while (1) {
        ssize_t received = recv(connection, buffer, buffer_size, 0);
        if (received < 0) die("recv");
        if (received == 0) break;
        total += (uint64_t)received;
    }
    int64_t elapsed = now_ns() - start;
    if (total != expected) refuse("the stream does not have the expected length");
    print_rate(total, elapsed);
}
