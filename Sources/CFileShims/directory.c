#define _GNU_SOURCE
#include "CFileShims.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

DIR *cfile_directory_open(int descriptor, int *error) {
    DIR *directory = fdopendir(descriptor);
    if (directory == NULL) {
        *error = errno;
        close(descriptor);
    }
    return directory;
}

int cfile_directory_next(DIR *directory, const char **name, size_t *name_byte_count, int *type) {
    errno = 0;
    struct dirent *entry = readdir(directory);
    if (entry == NULL) return -errno;
    *name = entry->d_name;
    *name_byte_count = strlen(entry->d_name);
    *type = entry->d_type;
    return 1;
}

void cfile_directory_close(DIR *directory) {
    closedir(directory);
}

int cfile_random(void *buffer, size_t byte_count) {
    size_t done = 0;
    while (done < byte_count) {
        ssize_t count = getrandom((char *)buffer + done, byte_count - done, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return -errno;
        done += (size_t)count;
    }
    return 0;
}

int64_t cfile_now_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
