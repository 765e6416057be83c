// SPDX-License-Identifier: GPL-3.0-or-later
// Slab caches of the SLUB allocator: their allocated objects.
//
// Full slabs are on no list, so the slabs of all caches are found in the memory map, once for a
// dump. KFENCE's few objects, which stand in for some of a cache's, are not among them.
#ifndef MPYKDUMP_WALKERS_SLAB_H
#define MPYKDUMP_WALKERS_SLAB_H

#include "walkers/walk.h"

// Appends the addresses of the allocated objects of a struct kmem_cache, by rising page frame, or
// of those that are free. An
// object that a CPU has on its free list is not allocated. Where a free list is damaged, the
// objects behind the damage count as allocated; the place is reported as skipped.
enum walk_end slab_collect(uint64_t cache, bool wants_free, uint64_t limit, struct array *objects,
                           struct walk_report *report);

// The struct kmem_cache of a name, as in /proc/slabinfo.
bool slab_cache_find(const char *name, uint64_t *cache, struct error *err);

// Forgets where slabs are.
void slab_index_reset(void);

#endif
