// Sends a file with sendfile to whoever connects, one connection at a time.
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int count, char **arguments) {
    if (count != 4) refuse("usage: sendfile_server SOCKET FILE PIECE_BYTES");
    size_t piece = parse_count(arguments[3]);
    int listener = listen_at(arguments[1]);
    while (1) {
        int connection = accept_one(listener);
        int file = open(arguments[2], O_RDONLY | O_CLOEXEC);
        if (file < 0) die(arguments[2]);
        struct stat status;
        if (fstat(file, &status) < 0) die("fstat");
        off_t offset = 0;
        while (offset < status.st_size) {
            // A reader that went away is no reason to end the server.
            if (sendfile(connection, file, &offset, piece) <= 0) break;
        }
        close(file);
        close(connection);
    }
}
