#define _GNU_SOURCE
#include "CLinuxShims.h"
#include "result.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int option(int descriptor, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    if (getsockopt(descriptor, SOL_SOCKET, name, &value, &length) < 0) return -errno;
    return value;
}

int clinux_adopt_listener(int descriptor, char *path, size_t capacity) {
    int domain = option(descriptor, SO_DOMAIN);
    if (domain < 0) return domain;
    if (domain != AF_UNIX || option(descriptor, SO_TYPE) != SOCK_STREAM
        || option(descriptor, SO_ACCEPTCONN) != 1) {
        return -EINVAL;
    }
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    socklen_t length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) < 0) return -errno;
    // An abstract name begins with a zero byte: to us that is no path.
    size_t path_length = strnlen(address.sun_path, sizeof address.sun_path);
    if (path_length >= capacity) return -ENAMETOOLONG;
    memcpy(path, address.sun_path, path_length);
    path[path_length] = 0;
    if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0) return -errno;
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -errno;
    RESULT(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK));
}

int clinux_notify(const char *name, const char *message) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    size_t length = strlen(name);
    if (length < 2 || length >= sizeof address.sun_path) return -EINVAL;
    if (name[0] != '/' && name[0] != '@') return -EINVAL;
    memcpy(address.sun_path, name, length);
    if (name[0] == '@') address.sun_path[0] = 0;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    // Who does not take its datagrams must not keep us for ever.
    struct timeval limit = {.tv_sec = 1};
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    ssize_t sent = sendto(descriptor, message, strlen(message), MSG_NOSIGNAL,
                          (struct sockaddr *)&address, size);
    int result = sent < 0 ? -errno : 0;
    close(descriptor);
    return result;
}

int clinux_forbid_dumps(void) {
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) < 0) return -errno;
    RESULT(prctl(PR_SET_DUMPABLE, 0));
}
