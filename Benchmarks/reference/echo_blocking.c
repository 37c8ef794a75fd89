// Echoes 64-byte messages, one blocking receive and one blocking send for each: the least that a
// call over a Unix socket can cost. One connection at a time.
#include "common.h"

#include <unistd.h>

int main(int count, char **arguments) {
    if (count != 2) refuse("usage: echo_blocking SOCKET");
    int listener = listen_at(arguments[1]);
    while (1) {
        int connection = accept_one(listener);
        char message[64];
        while (read_all(connection, message, sizeof message)) {
            write_all(connection, message, sizeof message);
        }
        close(connection);
    }
}
