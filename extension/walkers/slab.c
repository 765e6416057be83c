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
#include "walkers/slab_index.h"

enum {
    MAX_OBJECTS = 1 << 16, // of a slab: the count has 15 or 16 bits
    MAX_CACHES = 1 << 16,
    OBJECTS_MASK = 0xffff, // of kmem_cache.oo: objects, and the order above them
};

// What a cache says about its slabs.
struct geometry {
    uint64_t size;        // from one object to the next
    uint64_t link_offset; // of the pointer to the next free object, in a free one
    uint64_t pad;         // before each object
    uint64_t secret;      // that such pointers are mixed with
    bool hardened;
    uint64_t most_objects; // of a slab
    uint64_t cpu_slab;     // per-CPU pointer
};

struct walk {
    struct geometry geometry;
    uint64_t limit;
    struct array *objects;
    struct walk_report *report;
    struct map cpu_free; // objects on the CPUs' own free lists
    uint8_t is_free[MAX_OBJECTS / 8];
};

static bool member_read(uint64_t at, const struct path_field *field, uint64_t *value,
                        struct error *err)
{
    if (field->size > sizeof(*value))
        return error_set(err, ERR_TYPE, "%s has an unknown form", field->name);
    return cache_read_word(at + field->offset, field->size, value, err);
}

static bool geometry_read(uint64_t at, struct geometry *geometry, struct error *err)
{
    struct path_field fields[] = {{.name = "size"},
                                  {.name = "offset"},
                                  {.name = "oo.x"},
                                  {.name = "min.x"},
                                  {.name = "cpu_slab"}};
    struct path_field secret = {.name = "random"};
    struct path_field pad = {.name = "red_left_pad"};
    uint64_t values[5];
    *geometry = (struct geometry){0};
    if (!path_fields("struct kmem_cache", fields, 5, err))
        return false;
    for (int i = 0; i < 5; i++) {
        if (!member_read(at, &fields[i], &values[i], err))
            return false;
    }
    geometry->size = values[0];
    geometry->link_offset = values[1];
    geometry->most_objects = values[2] & OBJECTS_MASK;
    if ((values[3] & OBJECTS_MASK) > geometry->most_objects)
        geometry->most_objects = values[3] & OBJECTS_MASK;
    geometry->cpu_slab = values[4];
    // Only with CONFIG_SLAB_FREELIST_HARDENED, and with CONFIG_SLUB_DEBUG.
    geometry->hardened = path_field_exists("struct kmem_cache", &secret);
    if (geometry->hardened && !member_read(at, &secret, &geometry->secret, err))
        return false;
    if (path_field_exists("struct kmem_cache", &pad) && !member_read(at, &pad, &geometry->pad, err))
        return false;
    if (geometry->size < sizeof(uint64_t) || geometry->size > UINT32_MAX ||
        geometry->link_offset > geometry->size - sizeof(uint64_t) ||
        geometry->pad >= geometry->size || !geometry->most_objects)
        return walk_damaged(err, at, "this is no slab cache");
    return true;
}

// The next free object after a free one.
static bool link_read(const struct geometry *geometry, uint64_t object, uint64_t *next,
                      struct error *err)
{
    uint64_t at = object + geometry->link_offset;
    if (!cache_read_word(at, sizeof(*next), next, err))
        return false;
    // Since 5.7 (1ad53d9fa3f6) mixed with the pointer's own address in reversed order of bytes.
    if (geometry->hardened)
        *next ^= geometry->secret ^ __builtin_bswap64(at);
    return true;
}

// The number of an object of a slab. False for what is none.
static bool object_number(const struct geometry *geometry, const struct slab_entry *slab,
                          uint64_t object, uint64_t *number)
{
    uint64_t offset = object - slab->base - geometry->pad;
    *number = offset / geometry->size;
    return offset % geometry->size == 0 && *number < slab->objects;
}

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
        if (slab->free == SLAB_BAD_FREE || !object_number(&walk->geometry, slab, object, &number)) {
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
        if (!link_read(&walk->geometry, at, &object, &err))
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
        if (!link_read(&walk->geometry, at, &object, &err) ||
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

// Collects the allocated objects of a slab. False when the walk has ended, as the report says.
static bool slab_visit(struct walk *walk, const struct slab_entry *slab)
{
    const struct geometry *geometry = &walk->geometry;
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
        if (walk->is_free[i / 8] >> i % 8 & 1)
            continue;
        if (walk->cpu_free.count && map_get(&walk->cpu_free, object))
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

enum walk_end slab_collect(uint64_t address, uint64_t limit, struct array *objects,
                           struct walk_report *report)
{
    struct walk walk = {.objects = objects, .report = report};
    walk.limit = objects->count + limit < limit ? UINT64_MAX : objects->count + limit;
    if (!geometry_read(address, &walk.geometry, &report->error))
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
