// SPDX-License-Identifier: GPL-3.0-or-later
// The slabs of all caches, found in the memory map and kept until memory may have changed.
#ifndef MPYKDUMP_WALKERS_SLAB_INDEX_H
#define MPYKDUMP_WALKERS_SLAB_INDEX_H

#include "walkers/walk.h"

enum {
    SLAB_NONE_FREE = 0xffffffff, // the free list is empty
    SLAB_BAD_FREE = 0xfffffffe,  // it begins outside of the slab
};

// One slab, as two words of an array.
struct slab_entry {
    uint64_t base;    // address of its memory
    uint16_t objects; // as the slab says: to be checked
    uint16_t inuse;   // likewise, of these: those that are not on its free list
    uint32_t free;    // offset of the first free object, or one of the above
};

// What the slabs of a cache say, added up.
struct slab_sums {
    struct array caches; // addresses of struct kmem_cache, as pages of slabs have them
    struct array slabs;
    struct array objects;
    struct array inuse;
};

// Makes the index when there is none. The report, which is zero before, is that of the walk which
// made it. False when there is no index; the error is in the report.
bool slab_index_make(struct walk_report *report);

// The entries of a cache; count is 0 for what is no cache or has no slabs.
const struct slab_entry *slab_index_get(uint64_t cache, size_t *count);

// The sums of all caches that have slabs, in no order. Makes the index; nothing else is read.
enum walk_end slab_index_sum(struct slab_sums *sums, struct walk_report *report);

#endif
