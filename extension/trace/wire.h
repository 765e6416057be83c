// SPDX-License-Identifier: GPL-3.0-or-later
// The wire trace: each message a line, and each answer, in a file or on a terminal.
//
// A line is one write, so that lines of a session and of its children never mix. What cannot be
// written ends the trace and nothing else. Must not know who asks, nor where the trace goes.
#ifndef MPYKDUMP_TRACE_WIRE_H
#define MPYKDUMP_TRACE_WIRE_H

#include <stdbool.h>

#include "base/message.h"

// Writes to a descriptor from now on, which stays the caller's; -1: nowhere. What becomes of it
// later (closed, or another file under its number) is noticed, and nothing is written then.
void wire_open(int fd);

void wire_sent(const struct message *message);
void wire_received(const struct message *message);

// A line of the trace's own: what happens to the interpreter.
void wire_say(const char *text);

// errno of what ended the trace since this was last asked, or 0.
int wire_failure(void);

#endif
