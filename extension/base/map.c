// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/map.h"

#include <stdlib.h>

// The slot that has the key, or the free one where it belongs.
static struct map_slot *slot_for(struct map_slot *slots, size_t mask, uint64_t key)
{
    size_t i = map_hash(key) & mask;
    while (slots[i].key && slots[i].key != key)
        i = (i + 1) & mask;
    return &slots[i];
}

static bool grow(struct map *map)
{
    size_t size = map->slots ? (map->mask + 1) * 2 : 64;
    struct map_slot *slots = calloc(size, sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 0; map->slots && i <= map->mask; i++) {
        if (map->slots[i].key)
            *slot_for(slots, size - 1, map->slots[i].key) = map->slots[i];
    }
    free(map->slots);
    map->slots = slots;
    map->mask = size - 1;
    return true;
}

bool map_put(struct map *map, uint64_t key, void *value)
{
    // At most half full: a search for a missing key always meets a free slot soon.
    if ((!map->slots || (map->count + 1) * 2 > map->mask + 1) && !grow(map))
        return false;
    struct map_slot *slot = slot_for(map->slots, map->mask, key);
    if (!slot->key)
        map->count++;
    *slot = (struct map_slot){.key = key, .value = value};
    return true;
}

void map_clear(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}
