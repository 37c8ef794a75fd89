#define _GNU_SOURCE
#include "CTestShims.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int ctest_limit_descriptors(pid_t identifier, unsigned long count) {
    struct rlimit limit;
    if (prlimit(identifier, RLIMIT_NOFILE, NULL, &limit) != 0) return -errno;
    limit.rlim_cur = count;
    return prlimit(identifier, RLIMIT_NOFILE, &limit, NULL) == 0 ? 0 : -errno;
}

int ctest_close_from(void *actions, int first) {
    return -posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int ctest_has_filters(void) { return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }

// The filters compare the lower half of an argument: flags, and sizes that are not huge.
#define LOW_HALF(index) \
    (offsetof(struct seccomp_data, args) + 8 * (index) \
     + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

/// Refuses `number` with `error_number` when its argument is at least `least`.
static int refuse(unsigned number, unsigned argument, unsigned least, unsigned error_number) {
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW_HALF(argument)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, least, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error_number),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(steps) / sizeof(steps[0]), .filter = steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
    long outcome = syscall(
        SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (outcome < 0) return -errno;
    // Otherwise the number of a thread that could not be included.
    return outcome == 0 ? 0 : -ESRCH;
}

int ctest_refuse_rename_flags(void) { return refuse(SYS_renameat2, 4, 1, EINVAL); }

int ctest_fail_syncs(int with_metadata, int error_number) {
    return refuse(with_metadata ? SYS_fsync : SYS_fdatasync, 0, 0, (unsigned)error_number);
}

int ctest_fail_large_writes(size_t byte_count, int error_number) {
    return refuse(SYS_pwrite64, 2, (unsigned)byte_count, (unsigned)error_number);
}
