#ifndef CPROCESS_SHIMS_H
#define CPROCESS_SHIMS_H

#include <stddef.h>
#include <stdint.h>

/// Runs `/bin/sh -c command` and keeps what it writes to its standard output.
///
/// The command is a process group of its own, with nothing open but its standard output. However
/// it ends, what is left of the group is killed: a helper must not outlive its limit, nor may a
/// child that it left behind hold the output open.
///
/// `environment` ends with NULL. Once `cancel_descriptor` is readable the command is killed.
/// `written` is the number of bytes in `output`, `status` what waitpid(2) would say.
///
/// Returns 0 when the command ended by itself, -ETIME after the limit, -EMSGSIZE when it wrote
/// more than `capacity`, -ECANCELED when cancelled, or another negated errno.
int cprocess_run(
    const char *command, char *const environment[], int64_t limit_nanoseconds,
    int cancel_descriptor, uint8_t *output, size_t capacity, size_t *written, int *status);

#endif
