// Echoes on an epoll loop, as a server of many connections does.
//
//   stream   a receive takes whatever has come and one send returns it: pipelined messages cost a
//            fraction of a system call each, and nothing is done per message. The hardest
//            reference there is, for it does no work at all.
//   message  one receive and one send of 64 bytes for each message.
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { message_size = 64, buffer_size = 64 << 10, events_max = 64 };

static char buffer[buffer_size];

static void watch(int epoll, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) < 0) die("epoll_ctl");
}

// False when the connection is over.
static int serve(int connection, size_t step) {
    while (1) {
        ssize_t received = recv(connection, buffer, step, MSG_DONTWAIT);
        if (received < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
        if (received <= 0) return 0;
        // The load generator bounds what is under way far below the socket's buffer, so a
        // blocking write never waits.
        write_all(connection, buffer, (size_t)received);
        // A short receive has emptied the socket: asking again would only cost a call.
        if ((size_t)received < step) return 1;
    }
}

int main(int count, char **arguments) {
    if (count != 3) refuse("usage: echo_epoll stream|message SOCKET");
    size_t step = strcmp(arguments[1], "message") == 0 ? message_size : buffer_size;
    int listener = listen_at(arguments[2]);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) die("epoll_create1");
    watch(epoll, listener);
    while (1) {
        struct epoll_event events[events_max];
        int ready = epoll_wait(epoll, events, events_max, -1);
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < ready; i++) {
            int descriptor = events[i].data.fd;
            if (descriptor == listener) {
                watch(epoll, accept_one(listener));
            } else if (!serve(descriptor, step)) {
                close(descriptor);
            }
        }
    }
}
