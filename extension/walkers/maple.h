// SPDX-License-Identifier: GPL-3.0-or-later
// Maple trees: entries that each cover a range of indices.
#ifndef MPYKDUMP_WALKERS_MAPLE_H
#define MPYKDUMP_WALKERS_MAPLE_H

#include "walkers/walk.h"

// Three arrays of the same length.
struct maple_entries {
    struct array firsts; // of the range, and
    struct array lasts;  // included
    struct array entries;
};

// Appends the entries of the struct maple_tree at `address` by rising index; gaps and reserved
// ranges are none. A node that is not the one its parent says, or whose ranges are not in its
// own, is damaged, and the rest of it skipped.
enum walk_end maple_collect(uint64_t address, uint64_t limit, struct maple_entries *found,
                            struct walk_report *report);

void maple_entries_clear(struct maple_entries *found);

#endif
