// SPDX-License-Identifier: GPL-3.0-or-later
// Sparse memory, the only model of x86-64: mem_section points to roots, each a page of
// struct mem_section, whose section_mem_map is the address that the struct page of frame 0 would
// have if its own map began there, with flags in the low bits.
#include "walkers/memmap.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "host/host.h"
#include "memory/cache.h"
#include "symbols/symbols.h"
#include "types/path.h"
#include "types/types.h"

enum {
    SECTION_FRAMES = 1 << 15,
    HAS_MEM_MAP = 2,
    FLAGS_MASK = 0xfff, // more than any kernel uses: the map itself is aligned to a page
    UNIT_FRAMES = 64,   // what is given up together when it cannot be read
    CHUNK_UNITS = 16,   // read at once
    MAX_PAGE_SIZE = 256,
};

static const uint64_t MAX_FRAMES = UINT64_C(1) << 40; // 4 PiB
static const uint64_t DIRECT_BASE = 0xffff888000000000;

struct map {
    uint64_t frames;       // of the machine, holes included
    uint64_t roots;        // address of the pointers to them
    uint64_t section_size; // bytes of a struct mem_section
    uint64_t mem_map;      // offset of section_mem_map in it
    size_t page_size;      // bytes of a struct page
};

static bool word_of_symbol(const char *name, uint64_t *word, struct error *err)
{
    struct host_symbol symbol;
    if (!symbols_find(name, &symbol))
        return error_set(err, ERR_SYMBOL, "no symbol %s", name);
    return cache_read_word(symbol.address, sizeof(*word), word, err);
}

bool memmap_direct_base(uint64_t *base, struct error *err)
{
    struct host_symbol symbol;
    *base = DIRECT_BASE;
    // Without it the base is fixed.
    return !symbols_find("page_offset_base", &symbol) ||
           cache_read_word(symbol.address, sizeof(*base), base, err);
}

static bool size_of(const char *name, uint64_t *size, struct error *err)
{
    const struct type *type = types_find(name, err);
    *size = type ? type->size : 0;
    return type != NULL;
}

static bool map_find(struct map *map, struct error *err)
{
    struct path_field mem_map = {.name = "section_mem_map"};
    uint64_t page_size;
    if (!path_fields("struct mem_section", &mem_map, 1, err) ||
        !size_of("struct mem_section", &map->section_size, err) ||
        !size_of("struct page", &page_size, err) || !word_of_symbol("max_pfn", &map->frames, err) ||
        !word_of_symbol("mem_section", &map->roots, err))
        return false;
    map->mem_map = mem_map.offset;
    map->page_size = page_size;
    if (page_size < 32 || page_size > MAX_PAGE_SIZE || !map->section_size ||
        map->section_size > HOST_PAGE_SIZE)
        return error_set(err, ERR_TYPE, "struct page or mem_section has an unknown form");
    if (map->frames > MAX_FRAMES)
        return error_set(err, ERR_DAMAGED, "max_pfn is 0x%" PRIx64, map->frames);
    return true;
}

struct walk {
    struct map map;
    memmap_visitor visit;
    void *context;
    struct walk_report *report;
    uint8_t *buffer; // CHUNK_UNITS * UNIT_FRAMES pages
};

// A part of the map that could not be read whole. False when the walk is to fail.
static bool hole(struct walk *walk, uint64_t at, const struct error *err)
{
    return err->code == ERR_UNMAPPED || walk_skip(walk->report, err, at);
}

// The pages of up to a chunk of frames. Not through the cache: this is large, and read once.
static bool visit_frames(struct walk *walk, uint64_t map, uint64_t pfn, size_t count)
{
    size_t size = walk->map.page_size;
    uint64_t at = map + pfn * size;
    struct error err;
    if (memory_read(HOST_KERNEL, at, walk->buffer, count * size, &err))
        return walk->visit(walk->context, pfn, walk->buffer, count, size, walk->report);
    if (count > UNIT_FRAMES) {
        for (size_t i = 0; i < count; i += UNIT_FRAMES) {
            size_t unit = count - i < UNIT_FRAMES ? count - i : UNIT_FRAMES;
            if (!visit_frames(walk, map, pfn + i, unit))
                return false;
        }
        return true;
    }
    if (hole(walk, at, &err))
        return true;
    walk->report->error = err;
    return false;
}

static bool visit_section(struct walk *walk, uint64_t map, uint64_t pfn)
{
    uint64_t end = pfn + SECTION_FRAMES;
    if (end > walk->map.frames)
        end = walk->map.frames;
    while (pfn < end) {
        size_t count = CHUNK_UNITS * UNIT_FRAMES;
        if (count > end - pfn)
            count = end - pfn;
        if (!visit_frames(walk, map, pfn, count))
            return false;
        pfn += count;
        if (host_interrupted())
            return error_set(&walk->report->error, ERR_INTERRUPTED, "interrupted");
    }
    return true;
}

// The sections behind one pointer. False when the walk is to fail.
static bool visit_root(struct walk *walk, uint64_t root, uint64_t section, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = root + i * walk->map.section_size + walk->map.mem_map;
        uint64_t map;
        struct error err;
        if (!cache_read_word(at, sizeof(map), &map, &err)) {
            if (!walk_skip(walk->report, &err, at))
                return false;
        } else if (map & HAS_MEM_MAP) {
            if (!visit_section(walk, map & ~(uint64_t)FLAGS_MASK, (section + i) * SECTION_FRAMES))
                return false;
        }
    }
    return true;
}

enum walk_end memmap_visit(memmap_visitor visit, void *context, struct walk_report *report)
{
    struct walk walk = {.visit = visit, .context = context, .report = report};
    if (!map_find(&walk.map, &report->error))
        return walk_fail(report, 0);
    uint8_t *buffer AUTO_FREE = malloc((size_t)CHUNK_UNITS * UNIT_FRAMES * walk.map.page_size);
    if (!buffer) {
        error_set_no_memory(&report->error);
        return walk_fail(report, 0);
    }
    walk.buffer = buffer;
    uint64_t per_root = HOST_PAGE_SIZE / walk.map.section_size;
    uint64_t sections = (walk.map.frames + SECTION_FRAMES - 1) / SECTION_FRAMES;
    for (uint64_t section = 0; section < sections; section += per_root) {
        uint64_t at = walk.map.roots + section / per_root * sizeof(uint64_t);
        uint64_t count = sections - section < per_root ? sections - section : per_root;
        uint64_t root;
        struct error err;
        if (!cache_read_word(at, sizeof(root), &root, &err)) {
            if (!walk_skip(report, &err, at))
                return walk_fail(report, at);
        } else if (root && !visit_root(&walk, root, section, count)) {
            return walk_fail(report, root);
        }
    }
    return walk_finish_all(report);
}
