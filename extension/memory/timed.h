// SPDX-License-Identifier: GPL-3.0-or-later
// Reads that go to the host, with the time they take for whoever wants to know (a profiler).
//
// Nobody wants to know most of the time: then it costs one predictable branch. Must not know who
// observes.
#ifndef MPYKDUMP_MEMORY_TIMED_H
#define MPYKDUMP_MEMORY_TIMED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "host/host.h"

// Called after a read. It must not read.
typedef void (*timed_observer)(uint64_t nanoseconds);

extern timed_observer timed_observe; // NULL: nobody

bool timed_read_observed(enum host_space space, uint64_t address, void *buffer, size_t size,
                         struct error *err);

// host_read, observed.
static inline bool timed_read(enum host_space space, uint64_t address, void *buffer, size_t size,
                              struct error *err)
{
    if (__builtin_expect(timed_observe != NULL, 0))
        return timed_read_observed(space, address, buffer, size, err);
    return host_read(space, address, buffer, size, err);
}

#endif
