#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <malloc.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define RESULT(call)                       \
    do {                                   \
        __typeof__(call) result = (call);  \
        return result < 0 ? -errno : result; \
    } while (0)

_Static_assert(MSG_NOSIGNAL == 0x4000 && MSG_MORE == 0x8000, "send flags");
_Static_assert(MSG_CMSG_CLOEXEC == 0x40000000 && MSG_CTRUNC == 0x8, "receive flags");
_Static_assert(SO_SNDBUF == 7 && SO_RCVBUF == 8, "socket options");

// --- Thread identity ---------------------------------------------------------------------

_Thread_local void *clinux_current_loop_storage = NULL;

struct thread_start {
    void (*body)(void *);
    void *argument;
    char name[16];
};

static void *thread_main(void *raw) {
    struct thread_start start = *(struct thread_start *)raw;
    free(raw);
    pthread_setname_np(pthread_self(), start.name);
    start.body(start.argument);
    return NULL;
}

int clinux_thread_start(const char *name, void (*body)(void *), void *argument) {
    struct thread_start *start = malloc(sizeof *start);
    if (start == NULL) return -ENOMEM;
    start->body = body;
    start->argument = argument;
    strncpy(start->name, name, sizeof start->name - 1);
    start->name[sizeof start->name - 1] = 0;

    // A thread inherits the mask of its creator, so the mask is set around the creation: there
    // is no moment in which a process-directed signal could land on the new thread.
    sigset_t blocked, previous;
    sigfillset(&blocked);
    const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF};
    for (size_t i = 0; i < sizeof synchronous / sizeof *synchronous; i++) {
        sigdelset(&blocked, synchronous[i]);
    }
    pthread_sigmask(SIG_SETMASK, &blocked, &previous);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, thread_main, start);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    if (error != 0) free(start);
    return -error;
}

// --- Clock and readiness -----------------------------------------------------------------

int64_t clinux_monotonic_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int clinux_epoll_create(void) { RESULT(epoll_create1(EPOLL_CLOEXEC)); }

static int epoll_control(int epoll, int operation, int descriptor, uint32_t events,
                         uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    RESULT(epoll_ctl(epoll, operation, descriptor, &event));
}

int clinux_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token) {
    return epoll_control(epoll, EPOLL_CTL_ADD, descriptor, events, token);
}

int clinux_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t token) {
    return epoll_control(epoll, EPOLL_CTL_MOD, descriptor, events, token);
}

int clinux_epoll_remove(int epoll, int descriptor) {
    return epoll_control(epoll, EPOLL_CTL_DEL, descriptor, 0, 0);
}

int clinux_epoll_wait(int epoll, struct epoll_event *events, int capacity,
                      int64_t timeout_nanoseconds) {
    if (timeout_nanoseconds <= 0) {
        RESULT(epoll_wait(epoll, events, capacity, timeout_nanoseconds < 0 ? -1 : 0));
    }
    // epoll_pwait2 waits in nanoseconds. Where a kernel before 5.11, a sandbox kernel or a
    // seccomp filter refuses it, milliseconds rounded up: a timer may be late, never early.
    static _Atomic int refused = 0;
    if (!refused) {
        struct timespec timeout = {
            .tv_sec = timeout_nanoseconds / 1000000000,
            .tv_nsec = timeout_nanoseconds % 1000000000,
        };
        int count = epoll_pwait2(epoll, events, capacity, &timeout, NULL);
        if (count >= 0) return count;
        if (errno != ENOSYS && errno != EPERM) return -errno;
        refused = 1;
    }
    int64_t milliseconds = (timeout_nanoseconds + 999999) / 1000000;
    RESULT(epoll_wait(epoll, events, capacity,
                      milliseconds > INT32_MAX ? INT32_MAX : (int)milliseconds));
}

int clinux_eventfd_create(void) { RESULT(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int clinux_eventfd_signal(int descriptor) {
    uint64_t one = 1;
    ssize_t result;
    do result = write(descriptor, &one, sizeof one);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

int clinux_eventfd_drain(int descriptor) {
    uint64_t count;
    ssize_t result;
    do result = read(descriptor, &count, sizeof count);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

// --- Descriptors -------------------------------------------------------------------------

int clinux_close(int descriptor) { RESULT(close(descriptor)); }

int clinux_duplicate(int descriptor) { RESULT(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)); }

int clinux_set_nonblocking(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -errno;
    RESULT(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK));
}

// --- Sockets -----------------------------------------------------------------------------

int clinux_unix_socket(int nonblocking) {
    RESULT(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0));
}

int clinux_unix_socket_pair(int descriptors[2]) {
    RESULT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, descriptors));
}

static int make_address(const char *path, struct sockaddr_un *address) {
    size_t length = strlen(path);
    if (length >= sizeof address->sun_path) return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return 0;
}

int clinux_connect(int descriptor, const char *path) {
    struct sockaddr_un address;
    if (make_address(path, &address) < 0) return -ENAMETOOLONG;
    RESULT(connect(descriptor, (const struct sockaddr *)&address, sizeof address));
}

int clinux_bind(int descriptor, const char *path) {
    struct sockaddr_un address;
    if (make_address(path, &address) < 0) return -ENAMETOOLONG;
    RESULT(bind(descriptor, (const struct sockaddr *)&address, sizeof address));
}

int clinux_listen(int descriptor, int backlog) { RESULT(listen(descriptor, backlog)); }

int clinux_shutdown(int descriptor, int how) { RESULT(shutdown(descriptor, how)); }

int clinux_accept(int descriptor) {
    RESULT(accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

ssize_t clinux_receive_message(int descriptor, struct msghdr *message, int flags) {
    RESULT(recvmsg(descriptor, message, flags));
}

ssize_t clinux_send_message(int descriptor, const struct msghdr *message, int flags) {
    RESULT(sendmsg(descriptor, message, flags));
}

ssize_t clinux_send_file(int socket, int file, int64_t offset, size_t byte_count) {
    off_t position = offset;
    RESULT(sendfile(socket, file, &position, byte_count));
}

int clinux_close_received_descriptors(struct msghdr *message) {
    int total = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        const unsigned char *data = CMSG_DATA(header);
        for (size_t i = 0; i < count; i++) {
            int descriptor;
            memcpy(&descriptor, data + i * sizeof descriptor, sizeof descriptor);
            close(descriptor);
            total++;
        }
    }
    return total;
}

int clinux_send_descriptors(int socket, int passed, int count) {
    if (count < 1 || count > 253) return -EINVAL;
    char byte = 0;
    struct iovec vector = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(253 * sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)),
    };
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    for (int i = 0; i < count; i++) {
        memcpy(CMSG_DATA(&control.header) + (size_t)i * sizeof(int), &passed, sizeof(int));
    }
    RESULT((int)sendmsg(socket, &message, MSG_NOSIGNAL));
}

int clinux_socket_option(int descriptor, int option, int *value) {
    socklen_t size = sizeof *value;
    RESULT(getsockopt(descriptor, SOL_SOCKET, option, value, &size));
}

int clinux_set_socket_option(int descriptor, int option, int value) {
    RESULT(setsockopt(descriptor, SOL_SOCKET, option, &value, sizeof value));
}

int clinux_set_send_timeout(int descriptor, int64_t nanoseconds) {
    int64_t microseconds = (nanoseconds + 999) / 1000;
    struct timeval timeout = {
        .tv_sec = microseconds / 1000000,
        .tv_usec = microseconds % 1000000,
    };
    RESULT(setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout));
}

int clinux_peer_credentials(int descriptor, pid_t *process, uid_t *user, gid_t *group) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -errno;
    *process = credentials.pid;
    *user = credentials.uid;
    *group = credentials.gid;
    return 0;
}

int clinux_peer_process_descriptor(int descriptor) {
    int process = -1;
    socklen_t size = sizeof process;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERPIDFD, &process, &size) < 0) return -errno;
    return process;
}

// --- Files beside a listening socket -----------------------------------------------------

int clinux_open_directory(const char *path) {
    RESULT(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

int clinux_open_path(const char *path) { RESULT(open(path, O_PATH | O_CLOEXEC)); }

int clinux_open_lock_file(int directory, const char *name) {
    RESULT(openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
}

int clinux_try_lock(int descriptor) {
    int result;
    do result = flock(descriptor, LOCK_EX | LOCK_NB);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

int clinux_stat_at(int directory, const char *name, struct stat *status) {
    RESULT(fstatat(directory, name, status, AT_SYMLINK_NOFOLLOW));
}

int clinux_stat_descriptor(int descriptor, struct stat *status) {
    RESULT(fstat(descriptor, status));
}

int clinux_set_mode(int descriptor, mode_t mode) { RESULT(fchmod(descriptor, mode)); }

int clinux_set_mode_at(int directory, const char *name, mode_t mode) {
    RESULT(fchmodat(directory, name, mode, 0));
}

int clinux_set_group_at(int directory, const char *name, gid_t group) {
    RESULT(fchownat(directory, name, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW));
}

int clinux_unlink_at(int directory, const char *name) { RESULT(unlinkat(directory, name, 0)); }

int clinux_rename_exclusive(int directory, const char *from, const char *to) {
    RESULT(renameat2(directory, from, directory, to, RENAME_NOREPLACE));
}

int clinux_rename_exchange(int directory, const char *from, const char *to) {
    RESULT(renameat2(directory, from, directory, to, RENAME_EXCHANGE));
}

// --- Memory ------------------------------------------------------------------------------

void clinux_keep_freed_memory(int map_threshold, int trim_threshold) {
    mallopt(M_MMAP_THRESHOLD, map_threshold);
    mallopt(M_TRIM_THRESHOLD, trim_threshold);
}

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
