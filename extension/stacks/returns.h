// SPDX-License-Identifier: GPL-3.0-or-later
// Return addresses on a stack that tracing has replaced by its own, and what was there before. Must
// not know frames or registers.
#ifndef MPYKDUMP_STACKS_RETURNS_H
#define MPYKDUMP_STACKS_RETURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// Puts the real address into `ip`, which was read at the address `at` of the stack of `task` (0 if
// that is not known). ERR_DAMAGED when it is one that tracing puts there and the real one is not to
// be found.
bool returns_restore(uint64_t task, uint64_t at, uint64_t *ip, struct error *err);

// Symbols or types may be others now.
void returns_forget(void);

#endif
