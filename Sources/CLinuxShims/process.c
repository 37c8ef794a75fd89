#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

// --- Signals -----------------------------------------------------------------------------

// Which eventfd counts a signal; none is 0, which is never an eventfd of ours.
static volatile int signal_eventfds[NSIG];

static void note_signal(int signal_number) {
    int saved = errno;
    uint64_t one = 1;
    ssize_t ignored = write(signal_eventfds[signal_number], &one, sizeof one);
    (void)ignored;
    errno = saved;
}

int clinux_signal_eventfd(const int *signals, int count) {
    int descriptor = eventfd(0, EFD_CLOEXEC);
    if (descriptor < 0) return -errno;
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    for (int index = 0; index < count; index++) {
        if (signals[index] <= 0 || signals[index] >= NSIG) return -EINVAL;
        signal_eventfds[signals[index]] = descriptor;
        if (sigaction(signals[index], &action, NULL) < 0) return -errno;
    }
    // A peer that closes its socket is an error of that call, not of the process.
    signal(SIGPIPE, SIG_IGN);
    return descriptor;
}

int64_t clinux_eventfd_wait(int descriptor) {
    uint64_t count = 0;
    while (read(descriptor, &count, sizeof count) < 0) {
        if (errno != EINTR) return -errno;
    }
    return (int64_t)count;
}
