// SPDX-License-Identifier: GPL-3.0-or-later
// Where the slabs of a cache contradict themselves: damage that the kernel has not noticed, or that
// it died of.
#ifndef MPYKDUMP_WALKERS_SLAB_CHECK_H
#define MPYKDUMP_WALKERS_SLAB_CHECK_H

#include "walkers/walk.h"

enum slab_fault {
    SLAB_FAULT_COUNTS,  // it has more objects than its cache puts into one, or none
    SLAB_FAULT_OUTSIDE, // its free list leads out of it
    SLAB_FAULT_CIRCLE,  // its free list comes back to an object that was on it
    SLAB_FAULT_LENGTH,  // its free list has fewer or more objects than it counts as free
    SLAB_FAULT_CPU,     // the free list of a CPU leads out of the slabs of the cache
};

// Each problem is one item of each array.
struct slab_problems {
    struct array kinds;  // enum slab_fault
    struct array slabs;  // address of the slab's memory; 0 for the list of a CPU
    struct array places; // the object whose link is bad, or where the list begins; 0: no object
    struct array values; // what is there: the bad pointer, or the length of the list
};

enum { SLAB_MOST_PROBLEMS = 256 }; // of a cache: what is damaged by and by is told once

// Looks at the slabs of a struct kmem_cache, up to `limit` of those that have free objects, and at
// the lists of CPUs. Of the objects only links of free ones are read, which is what takes time.
enum walk_end slab_check(uint64_t cache, uint64_t limit, struct slab_problems *problems,
                         struct walk_report *report);

#endif
