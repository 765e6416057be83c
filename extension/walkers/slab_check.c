// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/slab_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "memory/cache.h"
#include "types/path.h"
#include "walkers/percpu.h"
#include "walkers/slab_geometry.h"
#include "walkers/slab_index.h"

enum { MAX_OBJECTS = 1 << 16 }; // of a slab

struct check {
    struct slab_geometry geometry;
    struct slab_entry *slabs; // of the cache, by rising address
    size_t count;
    struct slab_problems *problems;
    struct walk_report *report;
    uint8_t seen[MAX_OBJECTS / 8];
};

static bool note(struct check *check, enum slab_fault kind, uint64_t slab, uint64_t place,
                 uint64_t value)
{
    struct slab_problems *problems = check->problems;
    return problems->kinds.count >= SLAB_MOST_PROBLEMS ||
           (walk_append(check->report, &problems->kinds, kind) &&
            walk_append(check->report, &problems->slabs, slab) &&
            walk_append(check->report, &problems->places, place) &&
            walk_append(check->report, &problems->values, value));
}

// KFENCE gives out single objects in pages that look like slabs, without their counts.
static bool is_kfence(const struct slab_entry *slab)
{
    return slab->objects == 1 && slab->inuse == 0 && slab->free == SLAB_NONE_FREE;
}

// False when the check is to fail.
static bool free_list_check(struct check *check, const struct slab_entry *slab)
{
    uint64_t object = slab->free == SLAB_NONE_FREE ? 0 : slab->base + slab->free;
    uint64_t place = 0;
    uint64_t length = 0;
    struct error err;
    if (slab->free == SLAB_BAD_FREE)
        return note(check, SLAB_FAULT_OUTSIDE, slab->base, 0, 0);
    memset(check->seen, 0, (slab->objects + 7) / 8);
    for (; object; length++) {
        uint64_t number;
        if (!slab_object_number(&check->geometry, slab, object, &number))
            return note(check, SLAB_FAULT_OUTSIDE, slab->base, place, object);
        if (check->seen[number / 8] >> number % 8 & 1)
            return note(check, SLAB_FAULT_CIRCLE, slab->base, place, object);
        check->seen[number / 8] |= (uint8_t)(1u << number % 8);
        place = object;
        if (!slab_link_read(&check->geometry, place, &object, &err))
            return walk_skip(check->report, &err, place);
    }
    return length == (uint64_t)slab->objects - slab->inuse ||
           note(check, SLAB_FAULT_LENGTH, slab->base, 0, length);
}

static bool slab_visit(struct check *check, const struct slab_entry *slab)
{
    if (!slab->objects || slab->objects > check->geometry.most_objects ||
        slab->inuse > slab->objects)
        return note(check, SLAB_FAULT_COUNTS, slab->base, 0, slab->objects);
    return is_kfence(slab) || free_list_check(check, slab);
}

// ---- the lists of CPUs -------------------------------------------------------------------------

static int by_address(const void *left, const void *right)
{
    uint64_t a = ((const struct slab_entry *)left)->base;
    uint64_t b = ((const struct slab_entry *)right)->base;
    return a < b ? -1 : a > b;
}

// Is it an object of one of the slabs?
static bool is_object(const struct check *check, uint64_t object)
{
    size_t low = 0, high = check->count;
    uint64_t number;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (check->slabs[middle].base <= object)
            low = middle + 1;
        else
            high = middle;
    }
    return low && slab_object_number(&check->geometry, &check->slabs[low - 1], object, &number);
}

static bool cpu_check(struct check *check, uint64_t at)
{
    uint64_t object, place = at;
    struct error err;
    if (!cache_read_word(at, sizeof(object), &object, &err))
        return walk_skip(check->report, &err, at);
    // A list is of one slab, so one that is longer goes round.
    for (uint64_t length = 0; object; length++) {
        if (!is_object(check, object) || length > check->geometry.most_objects)
            return note(check, SLAB_FAULT_CPU, 0, place, object);
        place = object;
        if (!slab_link_read(&check->geometry, place, &object, &err))
            return walk_skip(check->report, &err, place);
    }
    return true;
}

static bool cpus_check(struct check *check)
{
    struct array cpus = {0};
    struct array addresses = {0};
    struct path_field first = {.name = "freelist"};
    struct walk_report own = {0};
    bool ok = path_fields("struct kmem_cache_cpu", &first, 1, &check->report->error);
    if (ok && percpu_collect(check->geometry.cpu_slab, &cpus, &addresses, &own) == WALK_END_ERROR)
        ok = walk_skip(check->report, &own.error, own.at);
    for (size_t i = 0; ok && i < addresses.count; i++)
        ok = cpu_check(check, addresses.items[i] + first.offset) && walk_tick(check->report);
    array_clear(&cpus);
    array_clear(&addresses);
    return ok;
}

// ---- the cache ---------------------------------------------------------------------------------

static bool slabs_check(struct check *check, uint64_t limit, bool *is_cut)
{
    for (size_t i = 0; i < check->count; i++) {
        const struct slab_entry *slab = &check->slabs[i];
        if (slab->free != SLAB_NONE_FREE && !limit--) {
            *is_cut = true;
            return true;
        }
        if (!slab_visit(check, slab) || !walk_tick(check->report))
            return false;
    }
    return true;
}

enum walk_end slab_check(uint64_t cache, uint64_t limit, struct slab_problems *problems,
                         struct walk_report *report)
{
    struct check check = {.problems = problems, .report = report};
    bool is_cut = false;
    if (!slab_geometry_read(cache, &check.geometry, &report->error))
        return walk_fail(report, cache);
    if (!slab_index_make(report))
        return report->end;
    const struct slab_entry *known = slab_index_get(cache, &check.count);
    // A copy: looks for Ctrl-C may run a program's code, and that may make the index anew.
    struct slab_entry *slabs AUTO_FREE = malloc((check.count + 1) * sizeof(*slabs));
    if (!slabs) {
        error_set_no_memory(&report->error);
        return walk_fail(report, cache);
    }
    if (check.count)
        memcpy(slabs, known, check.count * sizeof(*slabs));
    qsort(slabs, check.count, sizeof(*slabs), by_address);
    check.slabs = slabs;
    if (!slabs_check(&check, limit, &is_cut) || !cpus_check(&check))
        return walk_fail(report, cache);
    return is_cut ? walk_finish(report, WALK_END_LIMIT, cache) : walk_finish_all(report);
}
