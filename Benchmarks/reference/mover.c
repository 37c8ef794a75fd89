// Two processes that move 100 MiB a second over a Unix socket, for ever: what a neighbour feels of
// bytes that are moved beside it, whoever moves them.
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { piece_size = 256 << 10, bytes_per_second = 100 << 20 };

static void receive_all(int descriptor) {
    static char in[piece_size];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (recv(descriptor, in, sizeof in, 0) > 0) {}
}

int main(int count, char **arguments) {
    if (count != 2) refuse("usage: mover FILE");
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) die("socketpair");
    int file = open(arguments[1], O_RDONLY | O_CLOEXEC);
    if (file < 0) die(arguments[1]);
    off_t file_size = lseek(file, 0, SEEK_END);
    if (file_size < piece_size) refuse("the file is too small");
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        close(ends[0]);
        receive_all(ends[1]);
        return 0;
    }
    close(ends[1]);
    int64_t next = now_ns();
    off_t offset = 0;
    while (1) {
        if (offset > file_size - piece_size) offset = 0;
        for (size_t rest = piece_size; rest > 0;) {
            ssize_t sent = sendfile(ends[0], file, &offset, rest);
            if (sent <= 0) die("sendfile");
            rest -= (size_t)sent;
        }
        next += (int64_t)piece_size * 1000000000 / bytes_per_second;
        struct timespec until = {.tv_sec = next / 1000000000, .tv_nsec = next % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
}
