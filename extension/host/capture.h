// SPDX-License-Identifier: GPL-3.0-or-later
// Capturing what crash and gdb print. gdb keeps the FILE that it was given until its next
// command, so there is one for the life of the process; nested captures share it as a stack.
#ifndef MPYKDUMP_HOST_CAPTURE_H
#define MPYKDUMP_HOST_CAPTURE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "host/host.h"

struct capture {
    FILE *file;
    long start;         // where this capture's text begins
    FILE *output;       // crash's output before
    FILE *error_output; // and its error output
    char *error_path;
    char *own_path; // crash's word for errors while this lasts; NULL: they go elsewhere
};

// Directs crash's output into the capture, and its error messages: all of them, or unless somebody
// has chosen a file for them.
bool capture_begin(struct capture *capture, bool all_errors, struct error *err);

// Directs them back. The text (which may be NULL: dropped) is the caller's to free.
bool capture_end(struct capture *capture, struct host_text *text, struct error *err);

// In a forked child, which shares the file's position with its parent: a file of its own.
void capture_after_fork(void);

// Runs a trapped call (host_trap with TRAP_COMMAND) with what it prints captured; text that
// precedes an error is delivered too.
bool capture_run(void (*call)(void *), void *argument, struct host_text *text, struct error *err);

// The same for calls that answer a question: what crash says of a failure is the error's message,
// and is not printed.
bool capture_ask(void (*call)(void *), void *argument, struct error *err);

#endif
