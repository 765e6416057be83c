// SPDX-License-Identifier: GPL-3.0-or-later
// The Python stacks of all threads for a client outside (pykdump/attach_client.py), whatever the
// session does at the moment.
#ifndef MPYKDUMP_EPYTHON_STACKS_H
#define MPYKDUMP_EPYTHON_STACKS_H

#include <stdbool.h>

#include "base/error.h"

// From now on a signal writes the stacks into a file in memory. The file's name, which a client
// sees in /proc/PID/fd, is "mpykdump-stacks-" STACKS_PROTOCOL "-NUMBER OF THE SIGNAL".
#define STACKS_PROTOCOL "1"
bool stacks_start(struct error *err);

// The plug-in is unloaded: the file goes, and a late signal does nothing.
void stacks_stop(void);

#endif
