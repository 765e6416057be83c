// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/rbtree.h"

#include <string.h>

#include "memory/cache.h"
#include "types/path.h"

enum { COLOUR_BITS = 3, MAX_NODE_SIZE = 64 };

struct layout {
    uint64_t left, right, parent; // offsets
    uint64_t size;
};

struct node {
    uint64_t address, left, right, parent;
};

struct walk {
    struct layout layout;
    struct walk_report *report;
    struct node stack[WALK_MAX_DEPTH]; // nodes whose left side is being walked
    size_t depth;
};

static bool layout_find(struct layout *layout, struct error *err)
{
    struct path_field fields[] = {
        {.name = "rb_left"}, {.name = "rb_right"}, {.name = "__rb_parent_color"}};
    if (!path_fields("struct rb_node", fields, 3, err))
        return false;
    *layout = (struct layout){
        .left = fields[0].offset, .right = fields[1].offset, .parent = fields[2].offset};
    for (int i = 0; i < 3; i++) {
        if (fields[i].size != sizeof(uint64_t) ||
            fields[i].offset > MAX_NODE_SIZE - sizeof(uint64_t))
            return error_set(err, ERR_TYPE, "struct rb_node is not three pointers");
        if (fields[i].offset + sizeof(uint64_t) > layout->size)
            layout->size = fields[i].offset + sizeof(uint64_t);
    }
    return true;
}

static uint64_t word_at(const uint8_t *bytes, uint64_t offset)
{
    uint64_t word;
    memcpy(&word, bytes + offset, sizeof(word));
    return word;
}

static bool node_read(const struct layout *layout, uint64_t address, uint64_t parent,
                      struct node *node, struct error *err)
{
    uint8_t buffer[MAX_NODE_SIZE];
    const uint8_t *bytes = cache_peek(address, layout->size);
    if (!bytes) {
        if (!cache_read(address, buffer, layout->size, err))
            return false;
        bytes = buffer;
    }
    *node = (struct node){
        .address = address,
        .left = word_at(bytes, layout->left),
        .right = word_at(bytes, layout->right),
        .parent = word_at(bytes, layout->parent) & ~(uint64_t)COLOUR_BITS,
    };
    if (node->parent != parent)
        return walk_damaged(err, address, "a node of a tree has another parent");
    if (node->left == node->right && node->left)
        return walk_damaged(err, address, "a node of a tree has one child on both sides");
    return true;
}

// Pushes a node and all that is on the left under it. False when the walk is to fail.
static bool descend(struct walk *walk, uint64_t address, uint64_t parent)
{
    while (address) {
        struct error err;
        struct node node;
        bool ok = node_read(&walk->layout, address, parent, &node, &err);
        if (ok && walk->depth == WALK_MAX_DEPTH)
            ok = walk_damaged(&err, address, "a tree is absurdly deep");
        if (!ok)
            return walk_skip(walk->report, &err, address);
        walk->stack[walk->depth++] = node;
        parent = address;
        address = node.left;
    }
    return true;
}

enum walk_end rbtree_collect(uint64_t root, uint64_t limit, struct array *nodes,
                             struct walk_report *report)
{
    struct walk walk = {.report = report};
    struct path_field top = {.name = "rb_node"};
    uint64_t address;
    uint64_t count = 0;
    if (!layout_find(&walk.layout, &report->error) ||
        !path_fields("struct rb_root", &top, 1, &report->error) ||
        !cache_read_word(root + top.offset, sizeof(address), &address, &report->error) ||
        !descend(&walk, address, 0))
        return walk_fail(report, root);
    while (walk.depth) {
        struct node node = walk.stack[--walk.depth];
        if (count++ == limit)
            return walk_finish(report, WALK_END_LIMIT, node.address);
        if (!walk_append(report, nodes, node.address) || !walk_tick(report) ||
            !descend(&walk, node.right, node.address))
            return walk_fail(report, node.address);
    }
    return walk_finish_all(report);
}
