#ifndef CFILE_SHIMS_H
#define CFILE_SHIMS_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// File calls for the local store that Swift cannot make itself (variadic, missing from the Glibc
// module) or that are worth one crossing instead of four. Every function returns a negated errno on
// failure and repeats calls that a signal interrupted.

/// What the store needs of a `struct stat`.
struct cfile_stat {
    uint64_t device;
    uint64_t inode;
    uint64_t byte_count;
    int64_t modified_nanoseconds;
    int64_t changed_nanoseconds;
    uint32_t mode;
    uint32_t link_count;
};

/// How paths are resolved below a directory descriptor.
enum cfile_resolve {
    /// openat2 with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS.
    CFILE_BENEATH = 0,
    /// The same, but only what the kernel can resolve without blocking; -EAGAIN otherwise.
    CFILE_BENEATH_CACHED = 1,
    /// For kernels and sandboxes without openat2: component by component, following no link.
    CFILE_COMPONENTS = 2,
};

/// O_PATH, which the Glibc module hides: open a directory only to name things in it.
static const int cfile_path_only = 010000000;

/// Opens `path` below `directory`; an empty path opens the directory itself.
int cfile_open_beneath(int directory, const char *path, int flags, unsigned mode, int resolve);

/// Whether openat2 works here: 1, or 0 when the kernel or a sandbox refuses it.
int cfile_has_openat2(int directory);

/// Opens a path without containment; for configured roots only.
int cfile_open(const char *path, int flags, unsigned mode);
int cfile_openat(int directory, const char *name, int flags, unsigned mode);

int cfile_fstat(int descriptor, struct cfile_stat *result);
/// fstatat without following a link in the last component.
int cfile_lstatat(int directory, const char *name, struct cfile_stat *result);

/// open + fstat + fgetxattr + close in one crossing.
///
/// `attribute` may be null: then none is fetched. Otherwise it is set to a buffer of this thread,
/// valid until the thread's next call, and `attribute_byte_count` to its length, 0 without one.
int cfile_head(
    int directory, const char *path, int resolve, struct cfile_stat *result,
    const void **attribute, size_t *attribute_byte_count);
/// The same, but keeps the descriptor open and returns it.
int cfile_open_for_reading(
    int directory, const char *path, int resolve, struct cfile_stat *result,
    const void **attribute, size_t *attribute_byte_count);

/// preadv2 with RWF_NOWAIT: only what lies in the page cache; -EAGAIN when nothing does.
ssize_t cfile_read_cached(int descriptor, void *buffer, size_t byte_count, uint64_t offset);
/// Reads until `byte_count` or the end of the file.
ssize_t cfile_read(int descriptor, void *buffer, size_t byte_count, uint64_t offset);
/// Writes all of it.
int cfile_write(int descriptor, const void *buffer, size_t byte_count, uint64_t offset);
/// Copies up to `byte_count` bytes; returns how many, 0 at the end of the source.
ssize_t cfile_copy_range(
    int source, uint64_t source_offset, int target, uint64_t target_offset, size_t byte_count);

int cfile_fsetxattr(int descriptor, const void *value, size_t byte_count);
ssize_t cfile_fgetxattr(int descriptor, void *value, size_t capacity);
/// Sets the modification time to now, in nanoseconds rather than clock ticks.
int cfile_touch(int descriptor);
int cfile_fdatasync(int descriptor);
int cfile_fsync(int descriptor);

int cfile_mkdirat(int directory, const char *name, unsigned mode);
int cfile_unlinkat(int directory, const char *name, int flags);
int cfile_renameat(int old_directory, const char *old_name, int new_directory, const char *new_name);
/// Moves without replacing: -EEXIST when the name is taken.
int cfile_rename_new(
    int old_directory, const char *old_name, int new_directory, const char *new_name);
/// Takes the lock, or -EWOULDBLOCK; waits for it when `waits`.
int cfile_flock(int descriptor, int exclusive, int waits);
/// Gives the lock up, for all copies of the descriptor.
int cfile_unlock(int descriptor);

/// Starts to read a directory. Takes the descriptor over, also on failure; null sets `*error`.
DIR *cfile_directory_open(int descriptor, int *error);
/// 1 and the next entry, 0 at the end. The name is valid until the next call.
int cfile_directory_next(DIR *directory, const char **name, size_t *name_byte_count, int *type);
void cfile_directory_close(DIR *directory);

/// Fills the buffer with bytes from the kernel's generator.
int cfile_random(void *buffer, size_t byte_count);
/// The wall clock in nanoseconds.
int64_t cfile_now_nanoseconds(void);

#endif
