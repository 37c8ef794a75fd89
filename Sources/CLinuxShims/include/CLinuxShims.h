// What Swift cannot reach through its Glibc module: calls and constants hidden behind
// _GNU_SOURCE, variadic calls, function-like macros and thread-local storage.
//
// Every function that makes a system call returns its result, or the negated errno. errno is
// read here, next to the call, so no Swift runtime code can run in between and change it.

#ifndef CLINUX_SHIMS_H
#define CLINUX_SHIMS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

// Declared only: to Swift these types belong to its Glibc module, so that the users of LinuxIO
// need not import the shims. shims.c includes their headers.
struct msghdr;
struct stat;

// --- Thread identity ---------------------------------------------------------------------

// The event loop that owns the calling thread, or NULL. Inline, because the loop asks this on
// every enqueue: one thread-local load and one compare.
extern _Thread_local void *_Nullable clinux_current_loop_storage;

static inline void *_Nullable clinux_current_loop(void) { return clinux_current_loop_storage; }
static inline void clinux_set_current_loop(void *_Nullable loop) {
    clinux_current_loop_storage = loop;
}

// Starts a detached thread with every asynchronous signal blocked (SIGPIPE among them: sendfile
// has no MSG_NOSIGNAL). Returns 0 or a negated errno.
int clinux_thread_start(const char *_Nonnull name, void (*_Nonnull body)(void *_Nullable),
                        void *_Nullable argument);

// --- Clock and readiness -----------------------------------------------------------------

int64_t clinux_monotonic_nanoseconds(void);

int clinux_epoll_create(void);
int clinux_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token);
int clinux_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t token);
int clinux_epoll_remove(int epoll, int descriptor);
// timeout_nanoseconds < 0 waits without limit.
int clinux_epoll_wait(int epoll, struct epoll_event *_Nonnull events, int capacity,
                      int64_t timeout_nanoseconds);

int clinux_eventfd_create(void);
int clinux_eventfd_signal(int descriptor);
int clinux_eventfd_drain(int descriptor);

// --- Descriptors -------------------------------------------------------------------------

int clinux_close(int descriptor);
int clinux_duplicate(int descriptor);
int clinux_set_nonblocking(int descriptor);

// --- Sockets -----------------------------------------------------------------------------

// Kernel ABI; shims.c checks them against the system's headers.
static const int clinux_send_no_signal = 0x4000;
static const int clinux_send_more_follows = 0x8000;
static const int clinux_receive_close_on_exec = 0x40000000;
static const int clinux_control_truncated = 0x8;

int clinux_unix_socket(int nonblocking);
int clinux_unix_socket_pair(int descriptors[_Nonnull 2]);
// Both give -ENAMETOOLONG for a path that does not fit into a socket address.
int clinux_connect(int descriptor, const char *_Nonnull path);
int clinux_bind(int descriptor, const char *_Nonnull path);
int clinux_listen(int descriptor, int backlog);
int clinux_shutdown(int descriptor, int how);
int clinux_accept(int descriptor);
ssize_t clinux_receive_message(int descriptor, struct msghdr *_Nonnull message, int flags);
ssize_t clinux_send_message(int descriptor, const struct msghdr *_Nonnull message, int flags);
ssize_t clinux_send_file(int socket, int file, int64_t offset, size_t byte_count);

// Closes every descriptor carried by SCM_RIGHTS messages; returns how many there were.
int clinux_close_received_descriptors(struct msghdr *_Nonnull message);
// For tests: sends one byte with `count` copies of `passed` attached.
int clinux_send_descriptors(int socket, int passed, int count);

int clinux_socket_option(int descriptor, int option, int *_Nonnull value);
int clinux_set_socket_option(int descriptor, int option, int value);
int clinux_set_send_timeout(int descriptor, int64_t nanoseconds);
int clinux_peer_credentials(int descriptor, pid_t *_Nonnull process, uid_t *_Nonnull user,
                            gid_t *_Nonnull group);
int clinux_peer_process_descriptor(int descriptor);

static const int clinux_option_send_buffer = 7;
static const int clinux_option_receive_buffer = 8;
// Linux 6.16; older headers do not name it.
static const int clinux_option_pass_rights = 83;

// --- Files beside a listening socket -----------------------------------------------------

int clinux_open_directory(const char *_Nonnull path);
int clinux_open_path(const char *_Nonnull path);
int clinux_open_lock_file(int directory, const char *_Nonnull name);
int clinux_try_lock(int descriptor);
int clinux_stat_at(int directory, const char *_Nonnull name, struct stat *_Nonnull status);
int clinux_stat_descriptor(int descriptor, struct stat *_Nonnull status);
int clinux_set_mode(int descriptor, mode_t mode);
int clinux_set_mode_at(int directory, const char *_Nonnull name, mode_t mode);
int clinux_set_group_at(int directory, const char *_Nonnull name, gid_t group);
int clinux_unlink_at(int directory, const char *_Nonnull name);
// Fails with EEXIST rather than replace `to`.
int clinux_rename_exclusive(int directory, const char *_Nonnull from, const char *_Nonnull to);
// Swaps the two names.
int clinux_rename_exchange(int directory, const char *_Nonnull from, const char *_Nonnull to);

// --- Service manager and hardening --------------------------------------------------------

// Readies an inherited descriptor: checks that it is a listening Unix stream socket (-ENOTSOCK,
// -EINVAL otherwise), makes it non-blocking and close-on-exec, and puts its path, empty when it has
// none, into `path`.
int clinux_adopt_listener(int descriptor, char *_Nonnull path, size_t capacity);
// Sends one datagram to the socket that NOTIFY_SOCKET names; '@' stands for an abstract one.
int clinux_notify(const char *_Nonnull address, const char *_Nonnull message);
// No core dumps, and no other process of this user may read this one's memory.
int clinux_forbid_dumps(void);

// --- Signals -----------------------------------------------------------------------------

// Installs a handler for these signals that adds one to a blocking eventfd, and returns that
// descriptor or a negated errno. A handler, because Swift's parked main thread waits in
// sigsuspend(2) with every signal unblocked: blocking them and sigwait(3) elsewhere would lose.
int clinux_signal_eventfd(const int *_Nonnull signals, int count);
// Waits for the eventfd; returns how many signals came, or a negated errno.
int64_t clinux_eventfd_wait(int descriptor);

#endif
