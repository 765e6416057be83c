// SPDX-License-Identifier: GPL-3.0-or-later
// An index from names to ids: chained hashing over the ids themselves, all duplicates kept
// in the order of their ids. The names are the caller's and are not copied.
#ifndef MPYKDUMP_BASE_NAMES_H
#define MPYKDUMP_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names {
    uint32_t *heads; // by hash: the first id, 0 for none
    uint32_t *next;  // by id: the next one of that hash
    size_t mask;
};

// Room for ids below `count`. False when memory is exhausted.
bool names_init(struct names *names, size_t count);
void names_free(struct names *names);

// Ids must be added in descending order.
void names_add(struct names *names, const char *name, uint32_t id);

// The first id whose name may be this one (compare it), and the next after an id; 0 ends.
uint32_t names_first(const struct names *names, const char *name);
static inline uint32_t names_next(const struct names *names, uint32_t id)
{
    return names->next[id];
}

#endif
