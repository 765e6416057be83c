// SPDX-License-Identifier: GPL-3.0-or-later
// Arrays of pointers, such as a table of open files.
#ifndef MPYKDUMP_WALKERS_POINTERS_H
#define MPYKDUMP_WALKERS_POINTERS_H

#include "walkers/walk.h"

struct pointers_walk {
    uint64_t array;  // address of the first
    uint64_t count;  // elements
    uint64_t stride; // bytes from one to the next; 8 for an array of pointers alone
    uint64_t limit;  // pointers found at most
};

// Appends the pointers that are not NULL, and their indices.
enum walk_end pointers_collect(const struct pointers_walk *walk, struct array *indices,
                               struct array *pointers, struct walk_report *report);

#endif
