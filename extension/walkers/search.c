// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/search.h"

#include <string.h>

#include "host/host.h"
#include "memory/cache.h"

enum { PAGES_PER_PROGRESS = 1024 };

struct scan {
    const struct search *search;
    struct array *matches;
    struct walk_report *report;
    size_t first;    // matches that were there before
    bool tail_valid; // `joint` begins with the end of the page just before
    uint8_t joint[2 * SEARCH_MAX_NEEDLE];
};

static bool finish(struct scan *scan, enum walk_end end, uint64_t at)
{
    scan->report->end = end;
    scan->report->at = at;
    return false;
}

// False ends the scan.
static bool match_add(struct scan *scan, uint64_t address)
{
    const struct search *search = scan->search;
    if (address < search->start || address >= search->end)
        return true;
    if (scan->matches->count - scan->first == search->limit)
        return finish(scan, WALK_END_LIMIT, address);
    if (array_append(scan->matches, address))
        return true;
    error_set_no_memory(&scan->report->error);
    return finish(scan, WALK_END_ERROR, address);
}

// One function a word size, each a loop without exits that the compiler turns into vector code;
// where a match is matters only once there is one.
#define PAGE_HAS_WORD(name, type)                                                                  \
    static bool name(const void *bytes, uint64_t value, uint64_t mask)                             \
    {                                                                                              \
        const type *words = bytes;                                                                 \
        type wanted = (type)value;                                                                 \
        type bits = (type)mask;                                                                    \
        type found = 0;                                                                            \
        for (size_t i = 0; i < HOST_PAGE_SIZE / sizeof(type); i++)                                 \
            found |= (type) - ((words[i] & bits) == wanted);                                       \
        return found != 0;                                                                         \
    }

#pragma GCC push_options
#pragma GCC optimize("O3")
PAGE_HAS_WORD(page_has_word16, uint16_t)
PAGE_HAS_WORD(page_has_word32, uint32_t)
PAGE_HAS_WORD(page_has_word64, uint64_t)
#pragma GCC pop_options

static bool page_has_word(const struct search *search, const uint8_t *bytes)
{
    if (search->word_size == sizeof(uint16_t))
        return page_has_word16(bytes, search->value, search->mask);
    if (search->word_size == sizeof(uint32_t))
        return page_has_word32(bytes, search->value, search->mask);
    return page_has_word64(bytes, search->value, search->mask);
}

static bool scan_words(struct scan *scan, uint64_t page, const uint8_t *bytes)
{
    const struct search *search = scan->search;
    if (!page_has_word(search, bytes))
        return true;
    for (size_t i = 0; i < HOST_PAGE_SIZE; i += search->word_size) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, search->word_size);
        if ((word & search->mask) == search->value && !match_add(scan, page + i))
            return false;
    }
    return true;
}

// All occurrences in a piece of memory at an address.
static bool scan_piece(struct scan *scan, uint64_t address, const uint8_t *bytes, size_t size)
{
    const struct search *search = scan->search;
    const uint8_t *next = bytes;
    for (const uint8_t *found;
         (found = memmem(next, (size_t)(bytes + size - next), search->needle, search->needle_size));
         next = found + 1) {
        if (!match_add(scan, address + (uint64_t)(found - bytes)))
            return false;
    }
    return true;
}

static bool scan_bytes(struct scan *scan, uint64_t page, const uint8_t *bytes)
{
    size_t overlap = scan->search->needle_size - 1;
    // What begins in the page before and ends in this one.
    if (scan->tail_valid && overlap) {
        memcpy(scan->joint + overlap, bytes, overlap);
        if (!scan_piece(scan, page - overlap, scan->joint, 2 * overlap))
            return false;
    }
    if (!scan_piece(scan, page, bytes, HOST_PAGE_SIZE))
        return false;
    memcpy(scan->joint, bytes + HOST_PAGE_SIZE - overlap, overlap);
    scan->tail_valid = true;
    return true;
}

static bool keep_going(struct scan *scan, uint64_t at)
{
    const struct search *search = scan->search;
    if (!host_interrupted() && (!search->progress || search->progress(at, search->context)))
        return true;
    error_set(&scan->report->error, ERR_INTERRUPTED, "interrupted");
    return finish(scan, WALK_END_ERROR, at);
}

static void count_skipped(struct search_counts *counts, enum error_code reason)
{
    if (reason == ERR_EXCLUDED)
        counts->excluded++;
    else
        counts->skipped++;
}

enum walk_end search_collect(const struct search *search, struct array *matches,
                             struct search_counts *counts, struct walk_report *report)
{
    struct scan scan = {
        .search = search, .matches = matches, .report = report, .first = matches->count};
    uint64_t first = search->start & ~(uint64_t)(HOST_PAGE_SIZE - 1);
    uint64_t visited = 0;
    uint8_t scratch[HOST_PAGE_SIZE] __attribute__((aligned(8)));

    report->end = WALK_END_WHOLE;
    // The last page of memory ends where addresses begin again: hence the second condition.
    for (uint64_t page = first; page < search->end && page >= first; page += HOST_PAGE_SIZE) {
        struct error err;
        const uint8_t *bytes = cache_page(page, scratch, &err);
        bool on = true;
        if (!bytes && !error_is_fault(err.code)) {
            report->error = err;
            return walk_fail(report, page);
        }
        if (!bytes) {
            count_skipped(counts, err.code);
            scan.tail_valid = false;
        } else {
            counts->pages++;
            on = search->needle ? scan_bytes(&scan, page, bytes) : scan_words(&scan, page, bytes);
        }
        if (!on || (++visited % PAGES_PER_PROGRESS == 0 && !keep_going(&scan, page)))
            break;
    }
    return report->end;
}
