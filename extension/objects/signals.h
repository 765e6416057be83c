// SPDX-License-Identifier: GPL-3.0-or-later
// Python's handlers of signals within loops of the engine, and what must wait for the loop's end.
#ifndef MPYKDUMP_OBJECTS_SIGNALS_H
#define MPYKDUMP_OBJECTS_SIGNALS_H

// PyErr_CheckSignals, for loops of the engine.
int signals_check(void);

#endif
