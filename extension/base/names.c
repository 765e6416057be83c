// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/names.h"

#include <stdlib.h>

static size_t name_hash(const char *name)
{
    // FNV-1a: names are short.
    uint64_t hash = 0xcbf29ce484222325ull;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3ull;
    return hash ^ (hash >> 32);
}

bool names_init(struct names *names, size_t count)
{
    size_t size = 1;
    while (size < count)
        size *= 2;
    *names = (struct names){
        .heads = calloc(size, sizeof(*names->heads)),
        .next = calloc(count ? count : 1, sizeof(*names->next)),
        .mask = size - 1,
    };
    if (names->heads && names->next)
        return true;
    names_free(names);
    return false;
}

void names_free(struct names *names)
{
    free(names->heads);
    free(names->next);
    *names = (struct names){0};
}

void names_add(struct names *names, const char *name, uint32_t id)
{
    uint32_t *head = &names->heads[name_hash(name) & names->mask];
    names->next[id] = *head;
    *head = id;
}

uint32_t names_first(const struct names *names, const char *name)
{
    return names->heads[name_hash(name) & names->mask];
}
