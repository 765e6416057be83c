// SPDX-License-Identifier: GPL-3.0-or-later
// The layout is that of include/linux/xarray.h: the low two bits of an entry tell pointers (00),
// values (x1) and internal entries (10) apart; internal entries above 4096 are nodes.
#include "walkers/xarray.h"

#include <string.h>

#include "memory/cache.h"
#include "types/path.h"

enum {
    MAX_SLOTS = 64, // of a node; 16 in small configurations
    MAX_NODE_SIZE = 1024,
    INTERNAL_MASK = 3,
    INTERNAL = 2,
    LAST_SMALL_INTERNAL = 4096, // siblings, retry and zero entries are below
    MAX_LEVELS = 64,
};

struct layout {
    uint64_t shift, offset, parent, slots; // offsets in a node
    uint64_t size;                         // of a node up to its last slot
    unsigned slot_count;
    unsigned slot_shift; // log2 of it
};

struct node {
    uint64_t address;
    uint64_t base; // index of its first slot
    unsigned shift;
    unsigned next; // slot
    uint64_t slots[MAX_SLOTS];
};

struct walk {
    struct layout layout;
    struct walk_report *report;
    struct xarray_entries *found;
    uint64_t limit;
    size_t depth;
    struct node stack[MAX_LEVELS / 4 + 1]; // a level is at least 4 bits of the index
};

static bool layout_find(struct layout *layout, struct error *err)
{
    struct path_field fields[] = {
        {.name = "shift"}, {.name = "offset"}, {.name = "parent"}, {.name = "slots"}};
    if (!path_fields("struct xa_node", fields, 4, err))
        return false;
    uint64_t count = fields[3].size / sizeof(uint64_t);
    if (fields[0].size != 1 || fields[1].size != 1 || fields[2].size != sizeof(uint64_t) ||
        count < 16 || count > MAX_SLOTS || (count & (count - 1)))
        return error_set(err, ERR_TYPE, "struct xa_node has an unknown form");
    *layout = (struct layout){
        .shift = fields[0].offset,
        .offset = fields[1].offset,
        .parent = fields[2].offset,
        .slots = fields[3].offset,
        .size = fields[3].offset + fields[3].size,
        .slot_count = (unsigned)count,
        .slot_shift = (unsigned)__builtin_ctzll(count),
    };
    if (layout->slots > MAX_NODE_SIZE - fields[3].size || layout->shift >= layout->size ||
        layout->offset >= layout->size || layout->parent > layout->size - sizeof(uint64_t))
        return error_set(err, ERR_TYPE, "struct xa_node has an unknown form");
    return true;
}

static bool is_internal(uint64_t entry)
{
    return (entry & INTERNAL_MASK) == INTERNAL;
}

static bool is_node(uint64_t entry)
{
    return is_internal(entry) && entry > LAST_SMALL_INTERNAL;
}

// Reads a node and checks that it is the one that its place demands.
static bool node_read(const struct walk *walk, uint64_t address, unsigned slot, struct node *node,
                      struct error *err)
{
    const struct layout *layout = &walk->layout;
    const struct node *parent = walk->depth ? &walk->stack[walk->depth - 1] : NULL;
    uint8_t bytes[MAX_NODE_SIZE];
    uint64_t parent_address;
    if (!cache_read(address, bytes, layout->size, err))
        return false;
    memcpy(&parent_address, bytes + layout->parent, sizeof(parent_address));
    node->address = address;
    node->next = 0;
    node->shift = bytes[layout->shift];
    memcpy(node->slots, bytes + layout->slots, layout->slot_count * sizeof(uint64_t));
    if (parent_address != (parent ? parent->address : 0))
        return walk_damaged(err, address, "a node of an xarray has another parent");
    if (parent ? node->shift != parent->shift - layout->slot_shift || bytes[layout->offset] != slot
               : node->shift >= 64 || node->shift % layout->slot_shift != 0)
        return walk_damaged(err, address, "a node of an xarray is at an impossible place");
    return true;
}

// Goes down into a node. False when the walk is to fail.
static bool push(struct walk *walk, uint64_t entry, unsigned slot, uint64_t base)
{
    struct error err;
    uint64_t address = entry & ~(uint64_t)INTERNAL_MASK;
    // A parent's shift of 0 has been refused before: each level's is less than the one above.
    struct node *node = &walk->stack[walk->depth];
    if (!node_read(walk, address, slot, node, &err))
        return walk_skip(walk->report, &err, address);
    node->base = base;
    walk->depth++;
    return true;
}

static bool store(struct walk *walk, uint64_t index, uint64_t entry)
{
    return walk_append(walk->report, &walk->found->indices, index) &&
           walk_append(walk->report, &walk->found->entries, entry);
}

// Deals with one slot. False when the walk has ended, as the report says.
static bool visit(struct walk *walk, uint64_t address, unsigned slot, uint64_t index,
                  uint64_t entry)
{
    unsigned shift = walk->depth ? walk->stack[walk->depth - 1].shift : 64;
    if (is_node(entry) && shift) {
        if (push(walk, entry, slot, index))
            return true;
        walk_fail(walk->report, address);
        return false;
    }
    if (is_internal(entry)) {
        struct error err;
        if (!is_node(entry))
            return true; // a sibling of the entry before, a reserved index, a retry mark
        walk_damaged(&err, address, "an xarray has a node below its lowest level");
        return walk_skip(walk->report, &err, address);
    }
    if (walk->found->indices.count >= walk->limit) {
        walk_finish(walk->report, WALK_END_LIMIT, address);
        return false;
    }
    if (store(walk, index, entry) && walk_tick(walk->report))
        return true;
    walk_fail(walk->report, address);
    return false;
}

// The index of a slot. False beyond the last of all indices.
static bool slot_index(const struct node *node, unsigned slot, uint64_t *index)
{
    if (slot > UINT64_MAX >> node->shift)
        return false;
    *index = node->base + ((uint64_t)slot << node->shift);
    return true;
}

static enum walk_end walk_nodes(struct walk *walk)
{
    while (walk->depth) {
        struct node *node = &walk->stack[walk->depth - 1];
        unsigned slot = node->next++;
        uint64_t index;
        if (slot == walk->layout.slot_count) {
            walk->depth--;
            // Nodes without entries take time as well.
            if (!walk_tick(walk->report))
                return walk_fail(walk->report, node->address);
            continue;
        }
        if (!node->slots[slot] || !slot_index(node, slot, &index))
            continue;
        if (!visit(walk, node->address, slot, index, node->slots[slot]))
            return walk->report->end;
    }
    return walk_finish_all(walk->report);
}

enum walk_end xarray_collect(uint64_t address, uint64_t limit, struct xarray_entries *found,
                             struct walk_report *report)
{
    struct path_field head = {.name = "xa_head"};
    struct walk walk;
    uint64_t entry;
    // Not initialised as a whole: the nodes are large, and written before they are read.
    walk.report = report;
    walk.found = found;
    walk.depth = 0;
    walk.limit = found->indices.count + limit < limit ? UINT64_MAX : found->indices.count + limit;
    if (!layout_find(&walk.layout, &report->error) ||
        !path_fields("struct xarray", &head, 1, &report->error) ||
        !cache_read_word(address + head.offset, sizeof(entry), &entry, &report->error))
        return walk_fail(report, address);
    // An entry in the head is that of index 0.
    if (entry && !visit(&walk, address, 0, 0, entry))
        return report->end;
    return walk_nodes(&walk);
}

void xarray_entries_clear(struct xarray_entries *found)
{
    array_clear(&found->indices);
    array_clear(&found->entries);
}
