// SPDX-License-Identifier: GPL-3.0-or-later
// What messages amount to: how many, how many bytes, how long, by kind and by who asked.
//
// Must not know what a place is, but for its name.
#ifndef MPYKDUMP_TRACE_SUMMARY_H
#define MPYKDUMP_TRACE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/message.h"

struct summary_row {
    enum message_kind kind;
    char *place; // "FILE:LINE"
    uint64_t count;
    uint64_t bytes;
    uint64_t nanoseconds;
};

// Adds a message that has its answer to the row of its kind and place.
void summary_add(const struct message *message, const char *place);

// The rows so far, in the order of their first messages.
const struct summary_row *summary_rows(size_t *count);

void summary_clear(void);

#endif
