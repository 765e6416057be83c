// SPDX-License-Identifier: GPL-3.0-or-later
#include "memory/timed.h"

#include <time.h>

timed_observer timed_observe;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

bool timed_read_observed(enum host_space space, uint64_t address, void *buffer, size_t size,
                         struct error *err)
{
    uint64_t started = now();
    bool ok = host_read(space, address, buffer, size, err);
    timed_observe(now() - started);
    return ok;
}
