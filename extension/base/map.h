// SPDX-License-Identifier: GPL-3.0-or-later
// A hash table from a non-zero 64-bit key (an address, a pointer) to a pointer.
//
// Open addressing with linear probing; entries are never removed one by one, which is what the
// caches built on it need. Keys chosen by a hostile file cost time, not correctness: hashing mixes
// all bits.
#ifndef MPYKDUMP_BASE_MAP_H
#define MPYKDUMP_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t key; // 0: free
    void *value;
};

struct map {
    struct map_slot *slots; // NULL while empty
    size_t mask;            // number of slots - 1
    size_t count;
};

static inline uint64_t map_hash(uint64_t key)
{
    key *= 0x9e3779b97f4a7c15ull;
    return key ^ (key >> 32);
}

// The value of a key, or NULL.
static inline void *map_get(const struct map *map, uint64_t key)
{
    if (!map->slots)
        return NULL;
    for (size_t i = map_hash(key) & map->mask;; i = (i + 1) & map->mask) {
        if (map->slots[i].key == key)
            return map->slots[i].value;
        if (!map->slots[i].key)
            return NULL;
    }
}

// Adds or replaces. False when memory is exhausted; the map is unchanged then.
bool map_put(struct map *map, uint64_t key, void *value);

// Frees the table (not the values); the map is empty and usable afterwards.
void map_clear(struct map *map);

#endif
