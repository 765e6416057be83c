// SPDX-License-Identifier: GPL-3.0-or-later
// Priority lists: plist_head, in the order of priority.
#ifndef MPYKDUMP_WALKERS_PLIST_H
#define MPYKDUMP_WALKERS_PLIST_H

#include "walkers/walk.h"

// Appends the addresses of the plist_nodes behind a plist_head, each once.
enum walk_end plist_collect(uint64_t head, uint64_t limit, struct array *nodes,
                            struct walk_report *report);

#endif
