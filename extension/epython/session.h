// SPDX-License-Identifier: GPL-3.0-or-later
// The framework's session (pylib/pykdump/session.py), which decides what a command does.
#ifndef MPYKDUMP_EPYTHON_SESSION_H
#define MPYKDUMP_EPYTHON_SESSION_H

#include <stdbool.h>

#include "base/error.h"

// Loads the framework from the archive in the plug-in's file, and registers the commands it
// names with the host.
bool session_start(const char *file, struct error *err);

// Runs one command line.
void session_run(int argc, char **argv);

// Is a command running? A program may unload the plug-in.
bool session_is_running(void);

// The command line that runs, cut at some length; "" at the prompt. May be called from a signal
// handler.
const char *session_command(void);

// The plug-in is being unloaded: lets go of the framework and of what was cached.
void session_stop(void);

#endif
