// SPDX-License-Identifier: GPL-3.0-or-later
// Searching kernel memory for words and byte strings. Pages that cannot be read are skipped and
// counted.
#ifndef MPYKDUMP_WALKERS_SEARCH_H
#define MPYKDUMP_WALKERS_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "walkers/walk.h"

enum { SEARCH_MAX_NEEDLE = 4096 };

struct search {
    uint64_t start;
    uint64_t end;   // exclusive
    uint64_t limit; // matches at most

    // Either a byte string of 1 to SEARCH_MAX_NEEDLE bytes, at any address ...
    const uint8_t *needle; // NULL for words
    size_t needle_size;

    // ... or aligned words of 2, 4 or 8 bytes for which (word & mask) == value.
    size_t word_size;
    uint64_t value;
    uint64_t mask;

    // Called every few MiB; false ends the search with WALK_END_ERROR, ERR_INTERRUPTED. May be
    // NULL.
    bool (*progress)(uint64_t at, void *context);
    void *context;
};

struct search_counts {
    uint64_t pages;    // searched
    uint64_t excluded; // skipped: left out when the dump was written
    uint64_t skipped;  // skipped for another reason: not mapped, not in the dump
};

// Appends the addresses of matches, ascending.
enum walk_end search_collect(const struct search *search, struct array *matches,
                             struct search_counts *counts, struct walk_report *report);

#endif
