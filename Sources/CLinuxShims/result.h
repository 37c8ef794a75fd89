#ifndef CLINUX_RESULT_H
#define CLINUX_RESULT_H

#include <errno.h>

// Ends a function with the result of a system call, or the negated errno.
#define RESULT(call)                       \
    do {                                   \
        __typeof__(call) result = (call);  \
        return result < 0 ? -errno : result; \
    } while (0)

#endif
