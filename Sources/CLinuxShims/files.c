#define _GNU_SOURCE
#include "CLinuxShims.h"
#include "result.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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
