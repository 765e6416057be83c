// SPDX-License-Identifier: GPL-3.0-or-later
#include "memory/cache.h"

#include <inttypes.h>
#include <stdlib.h>

struct cache page_cache;

// 16 GiB of pages: more than any analysis wants, and small enough for the table's arithmetic.
enum { MAX_PAGES = 1 << 22 };

void cache_drop(void)
{
    for (size_t i = 0; page_cache.lines && i <= page_cache.mask; i++) {
        free(page_cache.lines[i].bytes);
        page_cache.lines[i] = (struct cache_line){0};
    }
    page_cache.stats.pages = 0;
}

bool cache_resize(size_t pages, struct error *err)
{
    if (pages > MAX_PAGES)
        return error_set(err, ERR_VALUE, "a cache of %zu pages is too large, %d is the limit",
                         pages, MAX_PAGES);
    cache_drop();
    free(page_cache.lines);
    page_cache = (struct cache){0};
    if (!pages)
        return true;
    size_t capacity = 1;
    while (capacity < pages)
        capacity *= 2;
    struct cache_line *lines = calloc(capacity, sizeof(*lines));
    if (!lines)
        return error_set_no_memory(err);
    page_cache.lines = lines;
    page_cache.mask = capacity - 1;
    page_cache.stats.capacity = capacity;
    return true;
}

void cache_stats_get(struct cache_stats *stats)
{
    *stats = page_cache.stats;
}

// The page's bytes from the cache, filled when needed; NULL when it cannot be read whole.
static const uint8_t *page_get(uint64_t page, struct error *err)
{
    struct cache_line *line = &page_cache.lines[(page / HOST_PAGE_SIZE) & page_cache.mask];
    if (line->page == (page | 1)) {
        page_cache.stats.hits++;
        return line->bytes;
    }
    if (!line->bytes) {
        line->bytes = malloc(HOST_PAGE_SIZE);
        if (!line->bytes) {
            error_set_no_memory(err);
            return NULL;
        }
        page_cache.stats.pages++;
    }
    page_cache.stats.misses++;
    // Invalid while it is being filled: a failed read may leave half a page.
    line->page = 0;
    if (!host_read(HOST_KERNEL, page, line->bytes, HOST_PAGE_SIZE, err)) {
        page_cache.stats.failed++;
        return NULL;
    }
    line->page = page | 1;
    return line->bytes;
}

const uint8_t *cache_page(uint64_t page, uint8_t *scratch, struct error *err)
{
    struct cache_line *line =
        page_cache.lines ? &page_cache.lines[(page / HOST_PAGE_SIZE) & page_cache.mask] : NULL;
    if (line && (line->page == (page | 1) || !line->page))
        return page_get(page, err);
    return host_read(HOST_KERNEL, page, scratch, HOST_PAGE_SIZE, err) ? scratch : NULL;
}

// One piece within a page.
static bool read_piece(uint64_t address, void *buffer, size_t size, struct error *err)
{
    uint64_t page = address & ~(uint64_t)(HOST_PAGE_SIZE - 1);
    struct error ignored;
    const uint8_t *bytes = page_cache.lines ? page_get(page, &ignored) : NULL;
    if (bytes) {
        memcpy(buffer, bytes + (address - page), size);
        return true;
    }
    // At the end of a region the page may be incomplete, yet hold what is asked for.
    return host_read(HOST_KERNEL, address, buffer, size, err);
}

bool cache_read(uint64_t address, void *buffer, size_t size, struct error *err)
{
    if (size && address + (size - 1) < address)
        return error_set_at(err, ERR_FAULT, address,
                            "readmem error at addr 0x%" PRIx64
                            ", reading %zu bytes: beyond the end of memory",
                            address, size);
    uint8_t *next = buffer;
    for (uint64_t at = address; size;) {
        size_t piece = HOST_PAGE_SIZE - (at & (HOST_PAGE_SIZE - 1));
        if (piece > size)
            piece = size;
        if (!read_piece(at, next, piece, err))
            return false;
        at += piece;
        next += piece;
        size -= piece;
    }
    return true;
}

bool cache_read_string(uint64_t address, char *buffer, size_t size, size_t *length,
                       struct error *err)
{
    size_t done = 0;
    while (done < size) {
        uint64_t at = address + done;
        size_t piece = HOST_PAGE_SIZE - (at & (HOST_PAGE_SIZE - 1));
        if (piece > size - done)
            piece = size - done;
        if (!read_piece(at, buffer + done, piece, err)) {
            if (!done)
                return false;
            break;
        }
        size_t text = strnlen(buffer + done, piece);
        done += text;
        if (text < piece)
            break;
    }
    *length = done;
    return true;
}
