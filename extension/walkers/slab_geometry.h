// SPDX-License-Identifier: GPL-3.0-or-later
// Where the objects of a slab cache are in its slabs, and how its free ones are linked.
#ifndef MPYKDUMP_WALKERS_SLAB_GEOMETRY_H
#define MPYKDUMP_WALKERS_SLAB_GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "walkers/slab_index.h"

// What a cache says about its slabs.
struct slab_geometry {
    uint64_t size;        // from one object to the next
    uint64_t link_offset; // of the pointer to the next free object, in a free one
    uint64_t pad;         // before each object
    uint64_t secret;      // that such pointers are mixed with
    bool hardened;
    uint64_t most_objects; // of a slab
    uint64_t cpu_slab;     // per-CPU pointer
};

// Of a struct kmem_cache. ERR_DAMAGED for what is none.
bool slab_geometry_read(uint64_t cache, struct slab_geometry *geometry, struct error *err);

// The next free object after a free one; 0 after the last.
bool slab_link_read(const struct slab_geometry *geometry, uint64_t object, uint64_t *next,
                    struct error *err);

// The number of an object of a slab. False for what is none.
bool slab_object_number(const struct slab_geometry *geometry, const struct slab_entry *slab,
                        uint64_t object, uint64_t *number);

#endif
