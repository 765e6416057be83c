// SPDX-License-Identifier: GPL-3.0-or-later
// The end of the process: what programs have registered with Python's atexit is run.
//
// crash ends with exit(), and Python is not told. Must not know what the functions do.
#ifndef MPYKDUMP_EPYTHON_LEAVING_H
#define MPYKDUMP_EPYTHON_LEAVING_H

#include <stdbool.h>

// When Python has started.
void leaving_init(void);

// After each command, while Ctrl-C is still Python's.
void leaving_prepare(void);

// Is the process in exit()? Then no Python may run: its extension modules are being torn down.
bool leaving_now(void);

#endif
