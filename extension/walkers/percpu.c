// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/percpu.h"

#include "memory/cache.h"
#include "symbols/symbols.h"

enum { MAX_CPUS = 1 << 16, WORD_BITS = 64 };

// CPUs that may be: bits of __cpu_possible_mask, which has room for nr_cpu_ids at least.
static bool possible_mask(struct host_symbol *mask, uint64_t *count, struct error *err)
{
    struct host_symbol ids;
    if (!symbols_find("__cpu_possible_mask", mask))
        return error_set(err, ERR_SYMBOL, "no symbol __cpu_possible_mask");
    if (!symbols_find("nr_cpu_ids", &ids)) {
        // Compiled in where the number is fixed; the mask ends with its bits then.
        *count = WORD_BITS;
        return true;
    }
    if (!cache_read_word(ids.address, sizeof(uint32_t), count, err))
        return false;
    if (*count > MAX_CPUS)
        return error_set_at(err, ERR_DAMAGED, ids.address, "nr_cpu_ids is %llu",
                            (unsigned long long)*count);
    return true;
}

static enum walk_end single(uint64_t base, struct array *cpus, struct array *addresses,
                            struct walk_report *report)
{
    if (!walk_append(report, cpus, 0) || !walk_append(report, addresses, base))
        return walk_fail(report, base);
    return walk_finish_all(report);
}

enum walk_end percpu_collect(uint64_t base, struct array *cpus, struct array *addresses,
                             struct walk_report *report)
{
    struct host_symbol offsets;
    struct host_symbol mask;
    uint64_t count = 0;
    if (!symbols_find("__per_cpu_offset", &offsets))
        return single(base, cpus, addresses, report);
    if (!possible_mask(&mask, &count, &report->error))
        return walk_fail(report, base);
    for (uint64_t cpu = 0; cpu < count; cpu++) {
        uint64_t bits;
        uint64_t offset;
        struct error err;
        uint64_t word = mask.address + cpu / WORD_BITS * sizeof(bits);
        if (!cache_read_word(word, sizeof(bits), &bits, &report->error))
            return walk_fail(report, word);
        if (!(bits >> cpu % WORD_BITS & 1))
            continue;
        uint64_t at = offsets.address + cpu * sizeof(offset);
        if (!cache_read_word(at, sizeof(offset), &offset, &err)) {
            if (!walk_skip(report, &err, at))
                return walk_fail(report, at);
            continue;
        }
        if (!walk_append(report, cpus, cpu) || !walk_append(report, addresses, base + offset) ||
            !walk_tick(report))
            return walk_fail(report, at);
    }
    return walk_finish_all(report);
}
