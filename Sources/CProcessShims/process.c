#define _GNU_SOURCE
#include "CProcessShims.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Where the kernel has no pidfd_open, the end of the process is looked for this often.
static const int64_t fallback_interval_nanoseconds = 20 * 1000 * 1000;

static int64_t now_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int spawn(const char *command, char *const environment[], int output, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    char *const arguments[] = {"sh", "-c", (char *)command, NULL};
    // Every descriptor of the server is closed, marked close-on-exec or not. The threads of a pool
    // block all signals, which a child would inherit.
    if ((error = posix_spawn_file_actions_adddup2(&actions, output, 1)) == 0 &&
        (error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
        (error = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)) == 0 &&
        (error = posix_spawn_file_actions_addclosefrom_np(&actions, 3)) == 0 &&
        (error = posix_spawnattr_setpgroup(&attributes, 0)) == 0 &&
        (error = posix_spawnattr_setsigmask(&attributes, &none)) == 0 &&
        (error = posix_spawnattr_setsigdefault(&attributes, &all)) == 0 &&
        (error = posix_spawnattr_setflags(
             &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                              POSIX_SPAWN_SETSIGDEF)) == 0) {
        error = posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, environment);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

// Reads what is there. 1 at the end of the output, 0 when more may come, or a negated errno.
static int drain(int descriptor, uint8_t *output, size_t capacity, size_t *written) {
    for (;;) {
        uint8_t extra;
        size_t room = capacity - *written;
        ssize_t count = read(descriptor, room > 0 ? output + *written : &extra, room > 0 ? room : 1);
        if (count < 0) {
            if (errno == EINTR) continue;
            return errno == EAGAIN ? 0 : -errno;
        }
        if (count == 0) return 1;
        if (room == 0) return -EMSGSIZE;
        *written += (size_t)count;
    }
}

// Whether the process has ended. It is left to be reaped, so that its number, which is the number
// of its group as well, cannot go to another process before the group is killed.
static int has_ended(pid_t pid) {
    siginfo_t information = {0};
    return waitid(P_PID, (id_t)pid, &information, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           information.si_pid == pid;
}

static int follow(pid_t pid, int process, int descriptor, int64_t deadline, int cancel_descriptor,
                  uint8_t *output, size_t capacity, size_t *written) {
    int is_open = 1;
    for (;;) {
        int64_t rest = deadline - now_nanoseconds();
        if (rest <= 0) return -ETIME;
        if (process < 0 && rest > fallback_interval_nanoseconds) {
            rest = fallback_interval_nanoseconds;
        }
        // poll(2) skips negative descriptors.
        struct pollfd watched[] = {
            {.fd = is_open ? descriptor : -1, .events = POLLIN},
            {.fd = process, .events = POLLIN},
            {.fd = cancel_descriptor, .events = POLLIN},
        };
        struct timespec timeout = {.tv_sec = rest / 1000000000, .tv_nsec = rest % 1000000000};
        if (ppoll(watched, 3, &timeout, NULL) < 0 && errno != EINTR) return -errno;
        if (watched[2].revents != 0) return -ECANCELED;
        // In this order: what it wrote before its end is in the pipe by then.
        int is_done = has_ended(pid);
        if (is_open) {
            int result = drain(descriptor, output, capacity, written);
            if (result < 0) return result;
            if (result == 1) is_open = 0;
        }
        if (is_done) return 0;
    }
}

int cprocess_run(const char *command, char *const environment[], int64_t limit_nanoseconds,
                 int cancel_descriptor, uint8_t *output, size_t capacity, size_t *written,
                 int *status) {
    int64_t deadline = now_nanoseconds() + limit_nanoseconds;
    *written = 0;
    *status = 0;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    pid_t pid = 0;
    int error = fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0
        ? errno
        : spawn(command, environment, ends[1], &pid);
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        return -error;
    }
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    int result =
        follow(pid, process, ends[0], deadline, cancel_descriptor, output, capacity, written);
    kill(-pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR) {
    }
    if (process >= 0) close(process);
    close(ends[0]);
    return result;
}
