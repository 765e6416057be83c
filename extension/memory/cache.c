// SPDX-License-Identifier: GPL-3.0-or-later
#include "memory/cache.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/message.h"
#include "memory/timed.h"

struct cache page_cache;
static bool watched;

// 16 GiB of pages: more than any analysis wants, and small enough for the table's arithmetic.
enum { MAX_PAGES = 1 << 22 };

void cache_drop(void)
{
    for (size_t i = 0; page_cache.held && i <= page_cache.mask; i++) {
        free(page_cache.held[i].bytes);
        page_cache.held[i] = (struct cache_line){0};
    }
    page_cache.stats.pages = 0;
}

bool cache_resize(size_t pages, struct error *err)
{
    if (pages > MAX_PAGES)
        return error_set(err, ERR_VALUE, "a cache of %zu pages is too large, %d is the limit",
                         pages, MAX_PAGES);
    cache_drop();
    free(page_cache.held);
    page_cache = (struct cache){0};
    if (!pages)
        return true;
    size_t capacity = 1;
    while (capacity < pages)
        capacity *= 2;
    struct cache_line *lines = calloc(capacity, sizeof(*lines));
    if (!lines)
        return error_set_no_memory(err);
    page_cache.held = lines;
    page_cache.lines = watched ? NULL : lines;
    page_cache.mask = capacity - 1;
    page_cache.stats.capacity = capacity;
    return true;
}

void cache_watch(bool on)
{
    watched = on;
    page_cache.lines = on ? NULL : page_cache.held;
}

void cache_stats_get(struct cache_stats *stats)
{
    *stats = page_cache.stats;
}

// The page's bytes from the cache, filled when needed; NULL when it cannot be read whole.
static const uint8_t *page_get(uint64_t page, struct error *err)
{
    struct cache_line *line = &page_cache.held[(page / HOST_PAGE_SIZE) & page_cache.mask];
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
    if (!timed_read(HOST_KERNEL, page, line->bytes, HOST_PAGE_SIZE, err)) {
        page_cache.stats.failed++;
        return NULL;
    }
    line->page = page | 1;
    return line->bytes;
}

static const uint8_t *page_find(uint64_t page, uint8_t *scratch, struct error *err)
{
    struct cache_line *line =
        page_cache.held ? &page_cache.held[(page / HOST_PAGE_SIZE) & page_cache.mask] : NULL;
    if (line && (line->page == (page | 1) || !line->page))
        return page_get(page, err);
    return timed_read(HOST_KERNEL, page, scratch, HOST_PAGE_SIZE, err) ? scratch : NULL;
}

// One piece within a page.
static bool read_piece(uint64_t address, void *buffer, size_t size, struct error *err)
{
    uint64_t page = address & ~(uint64_t)(HOST_PAGE_SIZE - 1);
    struct error ignored;
    const uint8_t *bytes = page_cache.held ? page_get(page, &ignored) : NULL;
    if (bytes) {
        memcpy(buffer, bytes + (address - page), size);
        return true;
    }
    // At the end of a region the page may be incomplete, yet hold what is asked for.
    return timed_read(HOST_KERNEL, address, buffer, size, err);
}

static bool read_pieces(uint64_t address, void *buffer, size_t size, struct error *err)
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

static bool read_string(uint64_t address, char *buffer, size_t size, size_t *length,
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

// ---- the same, watched ---------------------------------------------------------------------

// A read that is told of. It is `cached` when no page has to be asked for.
struct told {
    struct message message;
    uint64_t misses;
};

static void told_begin(struct told *told, enum host_space space, uint64_t address, size_t size)
{
    *told = (struct told){.message = {.kind = MESSAGE_READ,
                                      .what = memory_space_name(space),
                                      .address = address,
                                      .argument = size},
                          .misses = page_cache.stats.misses};
    message_send(&told->message);
}

static bool told_end(struct told *told, bool ok, size_t size, struct error *err)
{
    told->message.number = size;
    told->message.cached = page_cache.held && page_cache.stats.misses == told->misses;
    return message_receive(&told->message, ok, err);
}

static __attribute__((noinline)) bool read_told(uint64_t address, void *buffer, size_t size,
                                                struct error *err)
{
    struct told told;
    struct error reason;
    told_begin(&told, HOST_KERNEL, address, size);
    bool ok = read_pieces(address, buffer, size, &reason);
    ok = told_end(&told, ok, size, &reason);
    if (!ok && err)
        *err = reason;
    return ok;
}

bool cache_read(uint64_t address, void *buffer, size_t size, struct error *err)
{
    if (message_is_watched(MESSAGE_READ))
        return read_told(address, buffer, size, err);
    return read_pieces(address, buffer, size, err);
}

const uint8_t *cache_page(uint64_t page, uint8_t *scratch, struct error *err)
{
    struct told told;
    if (!message_is_watched(MESSAGE_READ))
        return page_find(page, scratch, err);
    told_begin(&told, HOST_KERNEL, page, HOST_PAGE_SIZE);
    const uint8_t *bytes = page_find(page, scratch, err);
    // A copy: who is told may read, and so put another page in the place of this one.
    if (bytes && bytes != scratch)
        memcpy(scratch, bytes, HOST_PAGE_SIZE);
    else
        told.misses = UINT64_MAX; // not one that the cache counts
    return told_end(&told, bytes != NULL, HOST_PAGE_SIZE, err) ? scratch : NULL;
}

bool cache_read_string(uint64_t address, char *buffer, size_t size, size_t *length,
                       struct error *err)
{
    struct told told;
    if (!message_is_watched(MESSAGE_READ))
        return read_string(address, buffer, size, length, err);
    told_begin(&told, HOST_KERNEL, address, size);
    bool ok = read_string(address, buffer, size, length, err);
    return told_end(&told, ok, ok ? *length : 0, err);
}

bool memory_read(enum host_space space, uint64_t address, void *buffer, size_t size,
                 struct error *err)
{
    struct message message = {.kind = MESSAGE_READ,
                              .what = memory_space_name(space),
                              .address = address,
                              .argument = size,
                              .number = size};
    message_send(&message);
    return message_receive(&message, timed_read(space, address, buffer, size, err), err);
}

const char *memory_space_name(enum host_space space)
{
    switch (space) {
    case HOST_KERNEL:
        return "KVADDR";
    case HOST_USER:
        return "UVADDR";
    case HOST_PHYSICAL:
        return "PHYSADDR";
    case HOST_XEN_MACHINE:
        return "XENMACHADDR";
    case HOST_FILE:
        return "FILEADDR";
    case HOST_AMBIGUOUS:
        break;
    }
    return "AMBIGUOUS";
}
