// Sends bytes from one reused buffer and waits until the receiver has published the file.
#include "common.h"

#include <sys/socket.h>

enum { buffer_size = 256 << 10 };

int main(int count, char **arguments) {
    if (count != 3) refuse("usage: put_sender SOCKET BYTES");
    uint64_t total = parse_count(arguments[2]);
    char *buffer = allocate(buffer_size);
    int64_t start = now_ns();
    int connection = connect_to(arguments[1]);
    for (uint64_t sent = 0; sent < total;) {
        uint64_t rest = total - sent;
        size_t piece = rest < buffer_size ? (size_t)rest : buffer_size;
        write_all(connection, buffer, piece);
        sent += piece;
    }
    if (shutdown(connection, SHUT_WR) < 0) die("shutdown");
    char answer;
    if (!read_all(connection, &answer, 1)) refuse("the receiver did not answer");
    print_rate(total, now_ns() - start);
}
