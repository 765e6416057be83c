// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/slab_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "memory/cache.h"
#include "types/path.h"
#include "types/types.h"
#include "walkers/memmap.h"
#include "walkers/slab.h"

enum {
    PAGE_SHIFT = 12,
    MAX_SLAB_SIZE = 4 << 20, // of the largest pages that the buddy allocator gives
    MAX_CACHES = 1 << 20,
};

// How a struct page tells that it is a slab's.
enum slab_mark {
    MARK_FLAG,      // bit PG_slab of flags; until 6.9
    MARK_TYPE_BITS, // page_type without bit PG_slab; 6.10, 6.11
    MARK_TYPE_BYTE, // the top byte of page_type is PGTY_slab; since 6.12 (4ffca5a96678)
};

struct layout {
    enum slab_mark mark;
    uint64_t mark_offset;
    uint64_t mark_size;
    uint64_t mark_mask;
    uint64_t mark_value;
    uint64_t cache, free; // offsets
    struct path_field objects, inuse;
};

struct slabs {
    struct slab_entry *items;
    size_t count;
    size_t capacity;
};

static struct {
    bool made;
    struct map caches; // address of a kmem_cache -> struct slabs
    struct walk_report report;
} slab_index;

struct build {
    struct layout layout;
    uint64_t direct_base;
    struct map caches; // what will be the index
};

static bool enumerator(const char *type_name, const char *name, uint64_t *value)
{
    struct error ignored;
    const struct type *type = types_find(type_name, &ignored);
    if (!type || type->kind != TYPE_ENUM || !type_complete(type, &ignored))
        return false;
    for (size_t i = 0; i < type->count; i++) {
        if (!strcmp(type->enumerators[i].name, name)) {
            *value = (uint64_t)type->enumerators[i].value;
            return true;
        }
    }
    return false;
}

static bool mark_find(struct layout *layout, struct error *err)
{
    struct path_field flags = {.name = "flags"};
    struct path_field type = {.name = "page_type"};
    uint64_t value;
    if (enumerator("enum pageflags", "PG_slab", &value) && value < 64) {
        layout->mark_mask = layout->mark_value = UINT64_C(1) << value;
        layout->mark_size = sizeof(uint64_t);
        bool ok = path_fields("struct page", &flags, 1, err);
        layout->mark_offset = flags.offset;
        return ok;
    }
    layout->mark_size = sizeof(uint32_t);
    if (!path_fields("struct page", &type, 1, err))
        return false;
    layout->mark_offset = type.offset;
    if (enumerator("enum pagetype", "PGTY_slab", &value)) {
        layout->mark_mask = 0xff000000;
        layout->mark_value = value << 24 & 0xff000000;
        return true;
    }
    // A page has a type when the base's bits are set, and this one when its own bit is clear.
    uint64_t base = 0xf0000000;
    value = 0x1000;
    if (enumerator("enum pagetype", "PG_slab", &value))
        enumerator("enum pagetype", "PAGE_TYPE_BASE", &base);
    layout->mark_mask = (base | value) & UINT32_MAX;
    layout->mark_value = base & UINT32_MAX;
    return true;
}

static bool is_count(const struct path_field *field)
{
    return field->bit_size && field->bit_size <= 16;
}

static bool layout_find(struct layout *layout, struct error *err)
{
    struct path_field fields[] = {
        {.name = "slab_cache"}, {.name = "freelist"}, {.name = "objects"}, {.name = "inuse"}};
    struct path_field own = {.name = "slab_cache"};
    // struct slab was a part of struct page before 5.17 (d122019bf061).
    const char *name = path_field_exists("struct slab", &own) ? "struct slab" : "struct page";
    if (!mark_find(layout, err) || !path_fields(name, fields, 4, err))
        return false;
    layout->cache = fields[0].offset;
    layout->free = fields[1].offset;
    layout->objects = fields[2];
    layout->inuse = fields[3];
    const struct type *page = types_find("struct page", err);
    if (!page)
        return false;
    for (int i = 0; i < 4; i++) {
        // Counts are in a word of 4 bytes.
        if (fields[i].offset + (i < 2 ? sizeof(uint64_t) : sizeof(uint32_t)) > page->size)
            return error_set(err, ERR_TYPE, "%s is larger than struct page", name);
    }
    if (!is_count(&fields[2]) || !is_count(&fields[3]) ||
        layout->mark_offset + layout->mark_size > page->size)
        return error_set(err, ERR_TYPE, "%s is not that of the SLUB allocator", name);
    return true;
}

static bool slabs_append(struct slabs *slabs, const struct slab_entry *entry)
{
    if (slabs->count == slabs->capacity) {
        size_t capacity = slabs->capacity ? slabs->capacity * 2 : 16;
        struct slab_entry *items = reallocarray(slabs->items, capacity, sizeof(*items));
        if (!items)
            return false;
        slabs->items = items;
        slabs->capacity = capacity;
    }
    slabs->items[slabs->count++] = *entry;
    return true;
}

// The slabs of a cache, made when there are none. NULL when memory is exhausted, or when pages
// claim to be of more caches than there can be.
static struct slabs *slabs_of(struct map *caches, uint64_t owner)
{
    struct slabs *slabs = map_get(caches, owner);
    if (slabs || caches->count == MAX_CACHES)
        return slabs;
    slabs = calloc(1, sizeof(*slabs));
    if (slabs && map_put(caches, owner, slabs))
        return slabs;
    free(slabs);
    return NULL;
}

static uint64_t word_at(const uint8_t *bytes, uint64_t offset, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, bytes + offset, size);
    return word;
}

static uint16_t count_at(const uint8_t *bytes, const struct path_field *field)
{
    uint64_t word = word_at(bytes, field->offset, sizeof(uint32_t));
    return (uint16_t)(word >> field->bit_shift & ((1u << field->bit_size) - 1));
}

static bool visit(void *context, uint64_t pfn, const uint8_t *pages, size_t count, size_t size,
                  struct walk_report *report)
{
    struct build *build = context;
    const struct layout *layout = &build->layout;
    for (size_t i = 0; i < count; i++, pages += size) {
        uint64_t mark = word_at(pages, layout->mark_offset, layout->mark_size);
        uint64_t owner = word_at(pages, layout->cache, sizeof(owner));
        if ((mark & layout->mark_mask) != layout->mark_value || !owner)
            continue;
        struct slab_entry entry = {.base = build->direct_base + ((pfn + i) << PAGE_SHIFT)};
        uint64_t first = word_at(pages, layout->free, sizeof(first));
        entry.objects = count_at(pages, &layout->objects);
        entry.inuse = count_at(pages, &layout->inuse);
        entry.free = !first                               ? SLAB_NONE_FREE
                     : first - entry.base < MAX_SLAB_SIZE ? (uint32_t)(first - entry.base)
                                                          : SLAB_BAD_FREE;
        struct slabs *slabs = slabs_of(&build->caches, owner);
        if (!slabs || !slabs_append(slabs, &entry))
            return error_set_no_memory(&report->error);
    }
    return true;
}

static void caches_free(struct map *caches)
{
    for (size_t i = 0; caches->slots && i <= caches->mask; i++) {
        struct slabs *slabs = caches->slots[i].value;
        if (slabs)
            free(slabs->items);
        free(slabs);
    }
    map_clear(caches);
}

bool slab_index_make(struct walk_report *report)
{
    struct build build = {0};
    if (slab_index.made && cache_is_on()) {
        *report = slab_index.report;
        return true;
    }
    if (!layout_find(&build.layout, &report->error) ||
        !memmap_direct_base(&build.direct_base, &report->error)) {
        walk_fail(report, 0);
        return false;
    }
    if (memmap_visit(visit, &build, report) == WALK_END_ERROR) {
        caches_free(&build.caches);
        return false;
    }
    // Only now, since a program's code may have run meanwhile, and have made one too.
    slab_index_reset();
    slab_index.caches = build.caches;
    slab_index.made = true;
    slab_index.report = *report;
    return true;
}

const struct slab_entry *slab_index_get(uint64_t cache_address, size_t *count)
{
    const struct slabs *slabs = map_get(&slab_index.caches, cache_address);
    *count = slabs ? slabs->count : 0;
    return slabs ? slabs->items : NULL;
}

enum walk_end slab_index_sum(struct slab_sums *sums, struct walk_report *report)
{
    if (!slab_index_make(report))
        return report->end;
    for (size_t i = 0; slab_index.caches.slots && i <= slab_index.caches.mask; i++) {
        const struct slabs *slabs = slab_index.caches.slots[i].value;
        uint64_t objects = 0, inuse = 0;
        for (size_t k = 0; slabs && k < slabs->count; k++) {
            objects += slabs->items[k].objects;
            inuse += slabs->items[k].inuse;
        }
        if (slabs && !(walk_append(report, &sums->caches, slab_index.caches.slots[i].key) &&
                       walk_append(report, &sums->slabs, slabs->count) &&
                       walk_append(report, &sums->objects, objects) &&
                       walk_append(report, &sums->inuse, inuse)))
            return walk_fail(report, 0);
    }
    return report->end;
}

void slab_index_reset(void)
{
    caches_free(&slab_index.caches);
    slab_index.made = false;
}
