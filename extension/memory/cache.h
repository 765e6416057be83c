// SPDX-License-Identifier: GPL-3.0-or-later
// Kernel memory, read once: a direct-mapped cache of pages by virtual address.
//
// On a dump nothing changes, so a page once read stays. On a live system the cache is off and
// every read goes to the host. Must not know types or Python.
#ifndef MPYKDUMP_MEMORY_CACHE_H
#define MPYKDUMP_MEMORY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "host/host.h"

struct cache_stats {
    uint64_t hits;   // reads that the cache answered
    uint64_t misses; // pages asked from the host
    uint64_t failed; // of these, not readable
    size_t pages;    // held now
    size_t capacity; // pages at most
};

struct cache_line {
    uint64_t page; // address of the page | 1, 0: free
    uint8_t *bytes;
};

// Visible for the inlined hot path only; change it through the functions below. In one line of the
// processor's cache.
extern struct cache {
    struct cache_line *lines; // for a look past the functions; NULL: off, or reads are watched
    struct cache_line *held;  // NULL: off
    size_t mask;
    struct cache_stats stats;
} __attribute__((aligned(64))) page_cache;

// Sets the capacity in pages, rounded up to a power of two, and drops what is held; 0 turns the
// cache off. ERR_NO_MEMORY leaves it off, ERR_VALUE as it was.
bool cache_resize(size_t pages, struct error *err);

// Off on live systems, where what was read may have changed.
static inline bool cache_is_on(void)
{
    return page_cache.held != NULL;
}

// While reads are watched (base/message.h) none is served past the functions below, which tell.
void cache_watch(bool on);

// Drops all pages.
void cache_drop(void);

void cache_stats_get(struct cache_stats *stats);

// Reads kernel memory of any size and alignment.
bool cache_read(uint64_t address, void *buffer, size_t size, struct error *err);

// Reads past the cache: other spaces, and what is large and read once.
bool memory_read(enum host_space space, uint64_t address, void *buffer, size_t size,
                 struct error *err);

// "KVADDR": a space as programs write it.
const char *memory_space_name(enum host_space space);

static inline const void *cache_peek(uint64_t address, size_t size)
{
    if (!page_cache.lines)
        return NULL;
    uint64_t page = address & ~(uint64_t)(HOST_PAGE_SIZE - 1);
    const struct cache_line *line = &page_cache.lines[(address / HOST_PAGE_SIZE) & page_cache.mask];
    size_t offset = address - page;
    if (line->page != (page | 1) || size > HOST_PAGE_SIZE - offset)
        return NULL;
    page_cache.stats.hits++;
    return line->bytes + offset;
}

// Reads a word of 1, 2, 4 or 8 bytes, zero-extended: the hot path of everything.
static inline bool cache_read_word(uint64_t address, size_t size, uint64_t *value,
                                   struct error *err)
{
    const void *bytes = cache_peek(address, size);
    uint64_t word = 0;
    if (bytes)
        memcpy(&word, bytes, size);
    else if (!cache_read(address, &word, size, err))
        return false;
    *value = word;
    return true;
}

// Pointers into the cache are good until anything else is read, and until host_interrupted is
// asked, which may run a program's code.

// The bytes of a whole page: those in the cache, else read into a free place of the cache, else
// into scratch (a page), so that a long scan evicts nothing. NULL when the page cannot be read.
const uint8_t *cache_page(uint64_t page, uint8_t *scratch, struct error *err);

// Reads up to size bytes and stops at the first NUL: a C string. Delivers the length without the
// NUL. The bytes before an unreadable page count as the string when there are any.
bool cache_read_string(uint64_t address, char *buffer, size_t size, size_t *length,
                       struct error *err);

#endif
