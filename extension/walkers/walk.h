// SPDX-License-Identifier: GPL-3.0-or-later
// How a walk over a kernel's data structure ended. All walkers collect addresses into an array,
// are bounded, notice cycles and Ctrl-C, and never give up what they had found.
#ifndef MPYKDUMP_WALKERS_WALK_H
#define MPYKDUMP_WALKERS_WALK_H

#include <stdint.h>

#include "base/array.h"
#include "base/error.h"

enum walk_end {
    WALK_END_WHOLE, // everything was seen: back at the head, or at a NULL pointer
    WALK_END_LIMIT, // as many elements as were allowed, and there are more
    WALK_END_CYCLE, // something that was seen before, where nothing old may be
    WALK_END_ERROR, // see the error: unreadable memory, an impossible value, interrupted
};

struct walk_report {
    enum walk_end end;
    uint64_t at; // where a walk that did not end well stopped
    struct error error;
};

enum { WALK_INTERRUPT_INTERVAL = 1024 }; // elements between looks for Ctrl-C

#endif
