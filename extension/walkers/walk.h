// SPDX-License-Identifier: GPL-3.0-or-later
// How a walk over a kernel's data structure went. All walkers collect addresses into arrays, are
// bounded, notice cycles and Ctrl-C, and never give up what they had found.
//
// Every number in memory may be anything: what no kernel writes is ERR_DAMAGED, at its address.
#ifndef MPYKDUMP_WALKERS_WALK_H
#define MPYKDUMP_WALKERS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/error.h"

enum walk_end {
    WALK_END_WHOLE,   // everything was seen: back at the head, or at a NULL pointer
    WALK_END_LIMIT,   // as many elements as were allowed, and there are more
    WALK_END_CYCLE,   // something that was seen before, where nothing old may be
    WALK_END_PARTIAL, // all but what hangs on places that could not be read or are damaged
    WALK_END_ERROR,   // see the error: the walk could not go on
};

struct walk_report {
    enum walk_end end;
    uint64_t at;        // where a walk that did not end well stopped, or first left something out
    uint64_t skipped;   // places left out
    uint64_t elements;  // counted by walk_element
    struct error error; // of that place
};

enum {
    WALK_INTERRUPT_INTERVAL = 1024, // elements between looks for Ctrl-C
    WALK_MAX_SKIPPED = 1 << 16,     // places left out before a walk is given up
    WALK_MAX_DEPTH = 128,           // of trees: far more than 64-bit addresses have room for
};

// Sets how the walk ended, and returns it.
enum walk_end walk_finish(struct walk_report *report, enum walk_end end, uint64_t at);

// The end of a walk that ran through: whole, or partial when something was skipped.
enum walk_end walk_finish_all(struct walk_report *report);

// An end by an error that is set in the report already.
enum walk_end walk_fail(struct walk_report *report, uint64_t at);

// Notes a place whose error is no reason to stop: unreadable or damaged memory. False for other
// errors; the walk is to fail then.
bool walk_skip(struct walk_report *report, const struct error *err, uint64_t at);

// To be called for each element or node: looks for Ctrl-C now and then. False (with the error in
// the report) when the walk is to fail.
bool walk_tick(struct walk_report *report);

// Appends to an array. False (with the error in the report) when memory is exhausted.
bool walk_append(struct walk_report *report, struct array *array, uint64_t item);

// The word of a damaged structure.
bool walk_damaged(struct error *err, uint64_t at, const char *what);

#endif
