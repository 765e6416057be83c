// SPDX-License-Identifier: GPL-3.0-or-later
// The one Python interpreter of the process: started with the first load of the plug-in, ended
// with the process.
#ifndef MPYKDUMP_EPYTHON_INTERPRETER_H
#define MPYKDUMP_EPYTHON_INTERPRETER_H

#include <stdbool.h>

#include "base/error.h"

// Starts Python unless it runs. Signals are as they were afterwards.
bool interpreter_start(struct error *err);

// Puts the pending Python exception into err and clears it.
void interpreter_take_exception(struct error *err);

#endif
