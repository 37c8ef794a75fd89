// Writes what comes to a new file and renames it at the end: the C equivalent of a put without
// syncing, which is the server's default. One connection at a time; answers each with one byte.
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { buffer_size = 256 << 10 };

int main(int count, char **arguments) {
    if (count != 3) refuse("usage: put_receiver SOCKET FILE");
    char staged[4096];
    if (snprintf(staged, sizeof staged, "%s.staged", arguments[2]) >= (int)sizeof staged) {
        refuse("the path is too long");
    }
    char *buffer = allocate(buffer_size);
    int listener = listen_at(arguments[1]);
    while (1) {
        int connection = accept_one(listener);
        int file = open(staged, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (file < 0) die(staged);
        while (1) {
            ssize_t received = recv(connection, buffer, buffer_size, 0);
            if (received < 0) die("recv");
            if (received == 0) break;
            write_all(file, buffer, (size_t)received);
        }
        close(file);
        if (rename(staged, arguments[2]) < 0) die("rename");
        write_all(connection, "k", 1);
        close(connection);
    }
}
