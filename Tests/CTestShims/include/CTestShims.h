#ifndef CTEST_SHIMS_H
#define CTEST_SHIMS_H

#include <stddef.h>
#include <sys/types.h>

// What tests ask of the kernel and Swift cannot say. Every function returns 0 or a negated errno.

/// prlimit(2): how many descriptors the process `identifier` may have open from now on.
int ctest_limit_descriptors(pid_t identifier, unsigned long count);

/// From now on, and for all threads, this process's renames with flags fail with EINVAL, as on file
/// systems that know none. There is no way back: for processes that end with their test.
int ctest_refuse_rename_flags(void);

/// From now on, and for all threads, writes of at least `byte_count` bytes at an offset fail with
/// `error_number`. There is no way back.
int ctest_fail_large_writes(size_t byte_count, int error_number);

/// From now on, and for all threads, fdatasync, or fsync when `with_metadata` is not 0, fails with
/// `error_number`. There is no way back.
int ctest_fail_syncs(int with_metadata, int error_number);

/// Has a program that is to be started with `actions`, a posix_spawn_file_actions_t, inherit no
/// descriptor from `first` on.
int ctest_close_from(void *actions, int first);

/// Whether the kernel can filter system calls: 1 or 0.
int ctest_has_filters(void);

#endif
