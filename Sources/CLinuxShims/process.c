#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

// --- Termination -------------------------------------------------------------------------

static int termination_eventfd = -1;

static void note_termination(int signal_number) {
    (void)signal_number;
    int saved = errno;
    uint64_t one = 1;
    ssize_t ignored = write(termination_eventfd, &one, sizeof one);
    (void)ignored;
    errno = saved;
}

int clinux_termination_eventfd(void) {
    termination_eventfd = eventfd(0, EFD_CLOEXEC);
    if (termination_eventfd < 0) return -errno;
    struct sigaction action = {.sa_handler = note_termination, .sa_flags = SA_RESTART};
    if (sigaction(SIGTERM, &action, NULL) < 0 || sigaction(SIGINT, &action, NULL) < 0) {
        return -errno;
    }
    // A peer that closes its socket is an error of that call, not of the process.
    signal(SIGPIPE, SIG_IGN);
    return termination_eventfd;
}

int64_t clinux_eventfd_wait(int descriptor) {
    uint64_t count = 0;
    while (read(descriptor, &count, sizeof count) < 0) {
        if (errno != EINTR) return -errno;
    }
    return (int64_t)count;
}
