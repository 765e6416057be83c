// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/slab.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "memory/cache.h"
#include "symbols/symbols.h"
#include "types/path.h"
#include "walkers/list.h"
#include "walkers/percpu.h"
#include "walkers/slab_geometry.h"
#include "walkers/slab_index.h"

enum {
    MAX_OBJECTS = 1 << 16, // of a slab: the count has 15 or 16 bits
    MAX_CACHES = 1 << 16,
};

struct walk {
    struct slab_geometry geometry;
    uint64_t limit;
    bool wants_free;
    struct array *objects;
    struct walk_report *report;
    struct map cpu_free; // objects on the CPUs' own free lists
    uint8_t is_free[MAX_OBJECTS / 8];
};

// Marks what is on a slab's free list. False when the walk is to fail.
static bool free_mark(struct walk *walk, const struct slab_entry *slab)
{
    uint64_t object = slab->base + slab->free;
    struct error err;
    memset(walk->is_free, 0, (slab->objects + 7) / 8);
    if (slab->free == SLAB_NONE_FREE)
        return true;
    while (object) {
        uint64_t number;
        uint8_t *byte;
        if (slab->free == SLAB_BAD_FREE ||
            !slab_object_number(&walk->geometry, slab, object, &number)) {
            walk_damaged(&err, slab->base, "the free list of a slab leads out of it");
            return walk_skip(walk->report, &err, slab->base);
        }
        byte = &walk->is_free[number / 8];
        if (*byte >> number % 8 & 1) {
            walk_damaged(&err, slab->base, "the free list of a slab runs in a circle");
            return walk_skip(walk->report, &err, slab->base);
        }
        *byte |= (uint8_t)(1u << number % 8);
        uint64_t at = object;
        if (!slab_link_read(&walk->geometry, at, &object, &err))
            return walk_skip(walk->report, &err, at);
    }
    return true;
}

// Notes what a CPU keeps for itself. Which slab it is of does not matter.
static bool cpu_free_mark(struct walk *walk, uint64_t object)
{
    // As long as two slabs at most; a circle ends at what is there already.
    while (object && !map_get(&walk->cpu_free, object)) {
        struct error err;
        uint64_t at = object;
        if (!map_put(&walk->cpu_free, object, walk))
            return error_set_no_memory(&walk->report->error);
        if (!slab_link_read(&walk->geometry, at, &object, &err) ||
            (walk->cpu_free.count > MAX_OBJECTS * 64ul &&
             !walk_damaged(&err, at, "the free list of a CPU has no end")))
            return walk_skip(walk->report, &err, at);
    }
    return true;
}

static bool cpus_free_mark(struct walk *walk)
{
    struct array cpus = {0};
    struct array addresses = {0};
    struct path_field first = {.name = "freelist"};
    struct walk_report own = {0};
    struct error err;
    bool ok = path_fields("struct kmem_cache_cpu", &first, 1, &walk->report->error);
    if (ok && percpu_collect(walk->geometry.cpu_slab, &cpus, &addresses, &own) == WALK_END_ERROR)
        ok = walk_skip(walk->report, &own.error, own.at);
    for (size_t i = 0; ok && i < addresses.count; i++) {
        uint64_t object;
        uint64_t at = addresses.items[i] + first.offset;
        if (cache_read_word(at, sizeof(object), &object, &err))
            ok = cpu_free_mark(walk, object);
        else
            ok = walk_skip(walk->report, &err, at);
    }
    array_clear(&cpus);
    array_clear(&addresses);
    return ok;
}

// Collects the allocated or the free objects of a slab. False when the walk has ended, as the
// report says.
static bool slab_visit(struct walk *walk, const struct slab_entry *slab)
{
    const struct slab_geometry *geometry = &walk->geometry;
    struct error err;
    if (!slab->objects || slab->objects > geometry->most_objects) {
        walk_damaged(&err, slab->base, "a slab has an impossible number of objects");
        return walk_skip(walk->report, &err, slab->base);
    }
    if (!free_mark(walk, slab)) {
        walk_fail(walk->report, slab->base);
        return false;
    }
    uint64_t object = slab->base + geometry->pad;
    for (uint32_t i = 0; i < slab->objects; i++, object += geometry->size) {
        bool is_free = (walk->is_free[i / 8] >> i % 8 & 1) ||
                       (walk->cpu_free.count && map_get(&walk->cpu_free, object));
        if (is_free != walk->wants_free)
            continue;
        if (walk->objects->count >= walk->limit) {
            walk_finish(walk->report, WALK_END_LIMIT, object);
            return false;
        }
        if (!walk_append(walk->report, walk->objects, object) || !walk_tick(walk->report)) {
            walk_fail(walk->report, object);
            return false;
        }
    }
    return true;
}

static bool slabs_visit(struct walk *walk, uint64_t address)
{
    size_t count;
    const struct slab_entry *known = slab_index_get(address, &count);
    // A copy: looks for Ctrl-C may run a program's code, and that may make the index anew.
    struct slab_entry *slabs AUTO_FREE = count ? malloc(count * sizeof(*slabs)) : NULL;
    if (count && !slabs) {
        error_set_no_memory(&walk->report->error);
        walk_fail(walk->report, address);
        return false;
    }
    if (count)
        memcpy(slabs, known, count * sizeof(*slabs));
    for (size_t i = 0; i < count; i++) {
        if (!slab_visit(walk, &slabs[i]))
            return false;
        // Slabs without an allocated object take time as well.
        if (!walk_tick(walk->report)) {
            walk_fail(walk->report, slabs[i].base);
            return false;
        }
    }
    return true;
}

enum walk_end slab_collect(uint64_t address, bool wants_free, uint64_t limit, struct array *objects,
                           struct walk_report *report)
{
    struct walk walk = {.wants_free = wants_free, .objects = objects, .report = report};
    walk.limit = objects->count + limit < limit ? UINT64_MAX : objects->count + limit;
    if (!slab_geometry_read(address, &walk.geometry, &report->error))
        return walk_fail(report, address);
    if (!slab_index_make(report))
        return report->end;
    if (!cpus_free_mark(&walk))
        walk_fail(report, address);
    else if (slabs_visit(&walk, address))
        walk_finish_all(report);
    map_clear(&walk.cpu_free);
    return report->end;
}

bool slab_cache_find(const char *name, uint64_t *found, struct error *err)
{
    struct path_field fields[] = {{.name = "list"}, {.name = "name"}};
    struct host_symbol head;
    if (!symbols_find("slab_caches", &head))
        return error_set(err, ERR_SYMBOL, "no symbol slab_caches");
    if (!path_fields("struct kmem_cache", fields, 2, err))
        return false;
    struct list_walk walk = {.head = head.address, .limit = MAX_CACHES};
    struct array caches = {0};
    struct walk_report report = {0};
    bool is_found = false;
    list_collect(&walk, &caches, &report);
    for (size_t i = 0; i < caches.count && !is_found; i++) {
        uint64_t text;
        char buffer[128];
        size_t length;
        struct error ignored;
        *found = caches.items[i] - fields[0].offset;
        is_found = cache_read_word(*found + fields[1].offset, sizeof(text), &text, &ignored) &&
                   cache_read_string(text, buffer, sizeof(buffer), &length, &ignored) &&
                   length == strlen(name) && !memcmp(buffer, name, length);
    }
    array_clear(&caches);
    return is_found || error_set(err, ERR_VALUE, "no slab cache %.100s", name);
}
