// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/pointers.h"

#include "memory/cache.h"

enum walk_end pointers_collect(const struct pointers_walk *walk, struct array *indices,
                               struct array *pointers, struct walk_report *report)
{
    uint64_t at = walk->array;
    uint64_t found = 0;
    for (uint64_t i = 0; i < walk->count; i++, at += walk->stride) {
        uint64_t pointer;
        struct error err;
        if (!walk_tick(report))
            return walk_fail(report, at);
        if (!cache_read_word(at, sizeof(pointer), &pointer, &err)) {
            if (!walk_skip(report, &err, at))
                return walk_fail(report, at);
            // A count from memory may be anything: an array with no end of gaps is none.
            if (report->skipped < WALK_MAX_SKIPPED)
                continue;
            report->error = err;
            return walk_fail(report, at);
        }
        if (!pointer)
            continue;
        if (found++ == walk->limit)
            return walk_finish(report, WALK_END_LIMIT, at);
        if (!walk_append(report, indices, i) || !walk_append(report, pointers, pointer))
            return walk_fail(report, at);
    }
    return walk_finish_all(report);
}
