// SPDX-License-Identifier: GPL-3.0-or-later
// Ownership by scope: a variable marked SCOPED(f) is released by f when its scope ends, unless
// its value was handed on with TRANSFER.
//
// These do not run when crash longjmps: nothing owned may be live inside a host_trap call.
#ifndef MPYKDUMP_BASE_CLEANUP_H
#define MPYKDUMP_BASE_CLEANUP_H

#include <stdlib.h>

#define SCOPED(function) __attribute__((cleanup(function)))

// Gives the pointer's value to the caller and leaves NULL behind.
#define TRANSFER(pointer)                                                                          \
    ({                                                                                             \
        __auto_type transferred_ = (pointer);                                                      \
        (pointer) = NULL;                                                                          \
        transferred_;                                                                              \
    })

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

#define AUTO_FREE SCOPED(cleanup_free)

#endif
