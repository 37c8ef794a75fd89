#define _GNU_SOURCE
#include "CFileShims.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

_Static_assert(O_PATH == 010000000, "cfile_path_only is not this platform's O_PATH");

static const char attribute_name[] = "user.blobrpc";

// Longer than any attribute the store writes. Per thread, so that no call has to allocate.
static __thread unsigned char attribute_buffer[16384];

// Repeats a call that a signal interrupted. Never used for close.
#define RETRY(call)                          \
    ({                                       \
        __typeof__(call) outcome;            \
        do {                                 \
            outcome = (call);                \
        } while (outcome == -1 && errno == EINTR); \
        outcome == -1 ? -errno : outcome;    \
    })

static int open_components(int directory, const char *path, int flags, unsigned mode) {
    int current = directory;
    char name[NAME_MAX + 1];
    for (;;) {
        const char *slash = strchr(path, '/');
        if (slash == NULL) break;
        size_t length = (size_t)(slash - path);
        int next;
        if (length > NAME_MAX) {
            next = -ENAMETOOLONG;
        } else {
            memcpy(name, path, length);
            name[length] = 0;
            next = RETRY(openat(
                current, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0));
        }
        if (current != directory) close(current);
        if (next < 0) return next;
        current = next;
        path = slash + 1;
    }
    int result = RETRY(openat(current, path, flags | O_NOFOLLOW | O_CLOEXEC, mode));
    if (current != directory) close(current);
    return result;
}

int cfile_open_beneath(int directory, const char *path, int flags, unsigned mode, int resolve) {
    if (path[0] == 0) path = ".";
    if (resolve == CFILE_COMPONENTS) return open_components(directory, path, flags, mode);
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC);
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    if (resolve == CFILE_BENEATH_CACHED) how.resolve |= RESOLVE_CACHED;
    // Without RESOLVE_CACHED, EAGAIN means that a rename raced with a "..": worth another try, but
    // an attacker who keeps renaming must not keep the thread.
    int attempts = resolve == CFILE_BENEATH_CACHED ? 1 : 64;
    int result;
    do {
        result = (int)RETRY(syscall(SYS_openat2, directory, path, &how, sizeof how));
    } while (result == -EAGAIN && --attempts > 0);
    return result;
}

int cfile_has_openat2(int directory) {
    int descriptor = cfile_open_beneath(directory, ".", O_PATH | O_DIRECTORY, 0, CFILE_BENEATH);
    if (descriptor < 0) return descriptor != -ENOSYS && descriptor != -EPERM;
    close(descriptor);
    return 1;
}

int cfile_open(const char *path, int flags, unsigned mode) {
    return RETRY(open(path, flags | O_CLOEXEC, mode));
}

int cfile_openat(int directory, const char *name, int flags, unsigned mode) {
    return RETRY(openat(directory, name, flags | O_CLOEXEC, mode));
}

static void convert(const struct stat *from, struct cfile_stat *to) {
    to->device = from->st_dev;
    to->inode = from->st_ino;
    to->byte_count = from->st_size < 0 ? 0 : (uint64_t)from->st_size;
    to->modified_nanoseconds = (int64_t)(
        (uint64_t)from->st_mtim.tv_sec * 1000000000u + (uint64_t)from->st_mtim.tv_nsec);
    to->changed_nanoseconds = (int64_t)(
        (uint64_t)from->st_ctim.tv_sec * 1000000000u + (uint64_t)from->st_ctim.tv_nsec);
    to->mode = from->st_mode;
    to->link_count = (uint32_t)from->st_nlink;
}

int cfile_fstat(int descriptor, struct cfile_stat *result) {
    struct stat status;
    int outcome = RETRY(fstat(descriptor, &status));
    if (outcome == 0) convert(&status, result);
    return outcome;
}

int cfile_lstatat(int directory, const char *name, struct cfile_stat *result) {
    struct stat status;
    int outcome = RETRY(fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW));
    if (outcome == 0) convert(&status, result);
    return outcome;
}

int cfile_open_for_reading(
    int directory, const char *path, int resolve, struct cfile_stat *result,
    const void **attribute, size_t *attribute_byte_count) {
    // O_NONBLOCK: the open of a FIFO without a writer must not hang. It means nothing for regular
    // files, and anything else is refused by the caller after the fstat.
    int descriptor = cfile_open_beneath(
        directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, resolve);
    if (descriptor < 0) return descriptor;
    int outcome = cfile_fstat(descriptor, result);
    if (outcome < 0) {
        close(descriptor);
        return outcome;
    }
    if (attribute != NULL) {
        ssize_t length = 0;
        if (S_ISREG(result->mode)) {
            length = cfile_fgetxattr(descriptor, attribute_buffer, sizeof attribute_buffer);
        }
        if (length < 0) {
            close(descriptor);
            return (int)length;
        }
        *attribute = attribute_buffer;
        *attribute_byte_count = (size_t)length;
    }
    return descriptor;
}

int cfile_head(
    int directory, const char *path, int resolve, struct cfile_stat *result,
    const void **attribute, size_t *attribute_byte_count) {
    int descriptor = cfile_open_for_reading(
        directory, path, resolve, result, attribute, attribute_byte_count);
    if (descriptor < 0) return descriptor;
    close(descriptor);
    return 0;
}

ssize_t cfile_read_cached(int descriptor, void *buffer, size_t byte_count, uint64_t offset) {
    struct iovec part = {.iov_base = buffer, .iov_len = byte_count};
    return RETRY(preadv2(descriptor, &part, 1, (off_t)offset, RWF_NOWAIT));
}

ssize_t cfile_read(int descriptor, void *buffer, size_t byte_count, uint64_t offset) {
    size_t done = 0;
    while (done < byte_count) {
        ssize_t count = RETRY(
            pread(descriptor, (char *)buffer + done, byte_count - done, (off_t)(offset + done)));
        if (count < 0) return count;
        if (count == 0) break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

int cfile_write(int descriptor, const void *buffer, size_t byte_count, uint64_t offset) {
    size_t done = 0;
    while (done < byte_count) {
        ssize_t count = RETRY(pwrite(
            descriptor, (const char *)buffer + done, byte_count - done, (off_t)(offset + done)));
        if (count < 0) return (int)count;
        if (count == 0) return -EIO;
        done += (size_t)count;
    }
    return 0;
}

ssize_t cfile_copy_range(
    int source, uint64_t source_offset, int target, uint64_t target_offset, size_t byte_count) {
    loff_t from = (loff_t)source_offset;
    loff_t to = (loff_t)target_offset;
    ssize_t copied = RETRY(copy_file_range(source, &from, target, &to, byte_count, 0));
    if (copied != -EXDEV && copied != -EINVAL && copied != -ENOSYS && copied != -EOPNOTSUPP
        && copied != -EBADF) {
        return copied;
    }
    // The kernel cannot copy between these two files: by hand, through a small buffer.
    char buffer[65536];
    if (byte_count > sizeof buffer) byte_count = sizeof buffer;
    ssize_t count = cfile_read(source, buffer, byte_count, source_offset);
    if (count <= 0) return count;
    int outcome = cfile_write(target, buffer, (size_t)count, target_offset);
    return outcome < 0 ? outcome : count;
}

int cfile_fsetxattr(int descriptor, const void *value, size_t byte_count) {
    return RETRY(fsetxattr(descriptor, attribute_name, value, byte_count, 0));
}

ssize_t cfile_fgetxattr(int descriptor, void *value, size_t capacity) {
    // The kernel allocates and clears as much as it is offered, and as a rule little is enough.
    size_t first = capacity < 256 ? capacity : 256;
    ssize_t length = RETRY(fgetxattr(descriptor, attribute_name, value, first));
    if (length == -ERANGE) length = RETRY(fgetxattr(descriptor, attribute_name, value, capacity));
    // No attribute, or a file system that has none: the file simply carries no metadata. ERANGE: a
    // stranger wrote a longer one than the store ever does.
    if (length == -ENODATA || length == -EOPNOTSUPP || length == -ERANGE) return 0;
    return length;
}

int cfile_touch(int descriptor) {
    struct timespec times[2];
    times[0].tv_sec = 0;
    times[0].tv_nsec = UTIME_OMIT;
    clock_gettime(CLOCK_REALTIME, &times[1]);
    return RETRY(futimens(descriptor, times));
}

int cfile_fdatasync(int descriptor) {
    return RETRY(fdatasync(descriptor));
}

int cfile_fsync(int descriptor) {
    return RETRY(fsync(descriptor));
}

int cfile_mkdirat(int directory, const char *name, unsigned mode) {
    return RETRY(mkdirat(directory, name, mode));
}

int cfile_unlinkat(int directory, const char *name, int flags) {
    return RETRY(unlinkat(directory, name, flags));
}

int cfile_renameat(
    int old_directory, const char *old_name, int new_directory, const char *new_name) {
    return RETRY(renameat(old_directory, old_name, new_directory, new_name));
}

int cfile_rename_new(
    int old_directory, const char *old_name, int new_directory, const char *new_name) {
    int outcome = (int)RETRY(syscall(
        SYS_renameat2, old_directory, old_name, new_directory, new_name, RENAME_NOREPLACE));
    if (outcome != -EINVAL && outcome != -ENOSYS) return outcome;
    // File systems without RENAME_NOREPLACE: a hard link fails on a taken name just as well.
    outcome = RETRY(linkat(old_directory, old_name, new_directory, new_name, 0));
    if (outcome == 0) cfile_unlinkat(old_directory, old_name, 0);
    return outcome;
}

int cfile_flock(int descriptor, int exclusive, int waits) {
    return RETRY(flock(
        descriptor, (exclusive ? LOCK_EX : LOCK_SH) | (waits ? 0 : LOCK_NB)));
}

int cfile_unlock(int descriptor) { return RETRY(flock(descriptor, LOCK_UN)); }
