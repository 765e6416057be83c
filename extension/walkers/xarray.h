// SPDX-License-Identifier: GPL-3.0-or-later
// XArrays, which radix trees and IDRs are too since Linux 4.20.
#ifndef MPYKDUMP_WALKERS_XARRAY_H
#define MPYKDUMP_WALKERS_XARRAY_H

#include "walkers/walk.h"

// What is stored, by index: two arrays of the same length.
struct xarray_entries {
    struct array indices; // the first one of an entry that covers several
    struct array entries; // as stored: pointers, or values shifted left by one with bit 0 set
};

// Appends the entries of the struct xarray at `address` by rising index. Reserved and retry
// entries are none. A node that is not the one its parent says is damaged, and skipped.
enum walk_end xarray_collect(uint64_t address, uint64_t limit, struct xarray_entries *found,
                             struct walk_report *report);

// The same for a struct idr; indices are the IDs.
enum walk_end idr_collect(uint64_t address, uint64_t limit, struct xarray_entries *found,
                          struct walk_report *report);

void xarray_entries_clear(struct xarray_entries *found);

#endif
