// SPDX-License-Identifier: GPL-3.0-or-later
// The layout is that of include/linux/maple_tree.h: a pointer to a node has the node's type in
// bits 3 to 6; nodes are 256 bytes, and aligned so. pivot[i] is the last index of slot[i]; the
// last slot in use has the node's own last index, whether a pivot says so or is 0.
#include "walkers/maple.h"

#include <string.h>

#include "memory/cache.h"
#include "types/path.h"

enum {
    NODE_SIZE = 256,
    MAX_SLOTS = 31,
    TYPE_SHIFT = 3,
    TYPE_MASK = 15,
    TYPES = 4, // maple_dense, maple_leaf_64, maple_range_64, maple_arange_64
    DENSE = 0,
    FIRST_INNER_TYPE = 2,
    MAX_LEVELS = 32,   // the height is kept in 5 bits
    INTERNAL_MASK = 3, // the kinds of entries are those of an xarray
    INTERNAL = 2,
    LAST_SMALL_INTERNAL = 4096, // reserved entries are below
    ROOT_PARENT = 1,
};

// Where a type of node has what.
struct form {
    uint64_t slots, pivots; // offsets
    unsigned slot_count, pivot_count;
};

struct layout {
    uint64_t parent; // offset in a node
    struct form forms[TYPES];
};

struct node {
    uint64_t address;
    unsigned type;
    unsigned next;        // slot
    uint64_t first, last; // what is left of its range
    uint8_t bytes[NODE_SIZE];
};

struct walk {
    struct layout layout;
    struct walk_report *report;
    struct maple_entries *found;
    uint64_t tree;
    uint64_t limit;
    size_t depth;
    struct node stack[MAX_LEVELS];
};

static bool form_find(const char *type, struct form *form, struct error *err)
{
    struct path_field fields[] = {{.name = "slot"}, {.name = "pivot"}};
    if (!path_fields(type, fields, 2, err))
        return false;
    if (fields[0].offset > NODE_SIZE || fields[0].size > NODE_SIZE - fields[0].offset ||
        fields[1].offset > NODE_SIZE || fields[1].size > NODE_SIZE - fields[1].offset)
        return error_set(err, ERR_TYPE, "%s has an unknown form", type);
    *form = (struct form){
        .slots = fields[0].offset,
        .slot_count = (unsigned)(fields[0].size / sizeof(uint64_t)),
        .pivots = fields[1].offset,
        .pivot_count = (unsigned)(fields[1].size / sizeof(uint64_t)),
    };
    return true;
}

static bool layout_find(struct layout *layout, struct error *err)
{
    struct path_field fields[] = {{.name = "parent"}, {.name = "slot"}};
    if (!path_fields("struct maple_node", fields, 2, err) ||
        !form_find("struct maple_range_64", &layout->forms[2], err) ||
        !form_find("struct maple_arange_64", &layout->forms[3], err))
        return false;
    layout->parent = fields[0].offset;
    layout->forms[1] = layout->forms[2];
    layout->forms[DENSE] = (struct form){
        .slots = fields[1].offset, .slot_count = (unsigned)(fields[1].size / sizeof(uint64_t))};
    if (layout->parent > NODE_SIZE - sizeof(uint64_t) || fields[1].offset > NODE_SIZE ||
        fields[1].size > NODE_SIZE - fields[1].offset)
        return error_set(err, ERR_TYPE, "struct maple_node has an unknown form");
    return true;
}

static uint64_t word_at(const struct node *node, uint64_t offset)
{
    uint64_t word;
    memcpy(&word, node->bytes + offset, sizeof(word));
    return word;
}

static bool is_node(uint64_t entry)
{
    return (entry & INTERNAL_MASK) == INTERNAL && entry > LAST_SMALL_INTERNAL;
}

static bool node_read(const struct walk *walk, uint64_t entry, struct node *node, struct error *err)
{
    node->address = entry & ~(uint64_t)(NODE_SIZE - 1);
    node->type = entry >> TYPE_SHIFT & TYPE_MASK;
    node->next = 0;
    if (node->type >= TYPES)
        return walk_damaged(err, node->address, "a node of a maple tree is of an unknown type");
    if (!cache_read(node->address, node->bytes, NODE_SIZE, err))
        return false;
    uint64_t parent = word_at(node, walk->layout.parent);
    if (walk->depth ? (parent & ~(uint64_t)(NODE_SIZE - 1)) != walk->stack[walk->depth - 1].address
                    : parent != (walk->tree | ROOT_PARENT))
        return walk_damaged(err, node->address, "a node of a maple tree has another parent");
    return true;
}

// Goes down into a node. False when the walk is to fail.
static bool push(struct walk *walk, uint64_t entry, uint64_t first, uint64_t last)
{
    struct error err;
    struct node *node = &walk->stack[walk->depth];
    bool ok;
    if (walk->depth == MAX_LEVELS)
        ok = walk_damaged(&err, entry, "a maple tree is absurdly deep");
    else
        ok = node_read(walk, entry, node, &err);
    if (!ok)
        return walk_skip(walk->report, &err, entry);
    node->first = first;
    node->last = last;
    walk->depth++;
    return true;
}

// The last index of a slot; *final says that the slot is the last in use.
static bool slot_last(const struct form *form, const struct node *node, unsigned slot,
                      uint64_t *last, bool *final, struct error *err)
{
    if (node->type == DENSE) {
        *last = node->first;
    } else {
        *last = slot < form->pivot_count ? word_at(node, form->pivots + slot * 8u) : 0;
        if (!*last && (slot || slot >= form->pivot_count))
            *last = node->last;
    }
    *final = *last == node->last;
    if (*last < node->first || *last > node->last)
        return walk_damaged(err, node->address, "the ranges of a maple tree's node do not fit");
    return true;
}

static bool store(struct walk *walk, uint64_t first, uint64_t last, uint64_t entry)
{
    struct maple_entries *found = walk->found;
    if (found->firsts.count >= walk->limit) {
        walk_finish(walk->report, WALK_END_LIMIT, first);
        return false;
    }
    if (walk_append(walk->report, &found->firsts, first) &&
        walk_append(walk->report, &found->lasts, last) &&
        walk_append(walk->report, &found->entries, entry))
        return true;
    walk_fail(walk->report, first);
    return false;
}

// Deals with the next slot of the innermost node. False when the walk has ended.
static bool step(struct walk *walk)
{
    struct node *node = &walk->stack[walk->depth - 1];
    const struct form *form = &walk->layout.forms[node->type];
    unsigned slot = node->next++;
    uint64_t first = node->first;
    uint64_t last;
    bool final;
    struct error err;
    if (!walk_tick(walk->report)) {
        walk_fail(walk->report, node->address);
        return false;
    }
    if (slot >= form->slot_count || slot >= MAX_SLOTS) {
        walk->depth--;
        return true;
    }
    if (!slot_last(form, node, slot, &last, &final, &err)) {
        walk->depth--;
        return walk_skip(walk->report, &err, node->address);
    }
    uint64_t entry = word_at(node, form->slots + slot * 8u);
    bool inner = node->type >= FIRST_INNER_TYPE;
    node->first = last + 1;
    if (final)
        node->next = MAX_SLOTS;
    if (!entry || (!is_node(entry) && (entry & INTERNAL_MASK) == INTERNAL))
        return true;
    if (!inner)
        return store(walk, first, last, entry);
    if (push(walk, entry, first, last))
        return true;
    walk_fail(walk->report, node->address);
    return false;
}

enum walk_end maple_collect(uint64_t address, uint64_t limit, struct maple_entries *found,
                            struct walk_report *report)
{
    struct path_field root = {.name = "ma_root"};
    struct walk walk;
    uint64_t entry;
    // Not initialised as a whole: the nodes are large, and written before they are read.
    walk.report = report;
    walk.found = found;
    walk.tree = address;
    walk.limit = found->firsts.count + limit < limit ? UINT64_MAX : found->firsts.count + limit;
    walk.depth = 0;
    if (!layout_find(&walk.layout, &report->error) ||
        !path_fields("struct maple_tree", &root, 1, &report->error) ||
        !cache_read_word(address + root.offset, sizeof(entry), &entry, &report->error))
        return walk_fail(report, address);
    if (is_node(entry)) {
        if (!push(&walk, entry, 0, UINT64_MAX))
            return walk_fail(report, address);
    } else if (entry && (entry & INTERNAL_MASK) != INTERNAL && !store(&walk, 0, 0, entry)) {
        // A tree of index 0 alone has its entry in the root.
        return report->end;
    }
    while (walk.depth) {
        if (!step(&walk))
            return report->end;
    }
    return walk_finish_all(report);
}

void maple_entries_clear(struct maple_entries *found)
{
    array_clear(&found->firsts);
    array_clear(&found->lasts);
    array_clear(&found->entries);
}
