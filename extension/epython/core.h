// SPDX-License-Identifier: GPL-3.0-or-later
// What the loader (stub/) knows of the rest. Python cannot be unloaded safely, so the rest is a
// shared object of its own that stays, while the loader comes and goes with `extend`.
#ifndef MPYKDUMP_EPYTHON_CORE_H
#define MPYKDUMP_EPYTHON_CORE_H

#include <stdbool.h>

#define CORE_SYMBOL "mpykdump_core_2" // another number when struct core changes

struct core {
    const char *build; // identifies the sources that it was built from
    // While crash loads `file`. On failure nothing is registered, the reason is printed, and unload
    // must not be called.
    bool (*load)(const char *file);
    void (*unload)(void);
};

#endif
