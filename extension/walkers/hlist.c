// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/hlist.h"

#include "types/path.h"
#include "walkers/list.h"

static const struct {
    const char *head;  // type of the head, and its one member
    const char *first; //
    const char *node;  // type of a node; its member is `next` in all of them
    uint64_t tags;
    uint64_t ends;
} kinds[] = {
    [HLIST_PLAIN] = {"struct hlist_head", "first", "struct hlist_node", 0, 0},
    [HLIST_NULLS] = {"struct hlist_nulls_head", "first", "struct hlist_nulls_node", 0, 1},
    [HLIST_BL] = {"struct hlist_bl_head", "first", "struct hlist_bl_node", 1, 0},
    [HLIST_LLIST] = {"struct llist_head", "first", "struct llist_node", 0, 0},
};

struct layout {
    uint64_t head_size;
    uint64_t next; // offset in a node
};

static bool layout_find(enum hlist_kind kind, struct layout *layout, struct error *err)
{
    struct path_field first = {.name = kinds[kind].first};
    struct path_field next = {.name = "next"};
    if (!path_fields(kinds[kind].head, &first, 1, err) ||
        !path_fields(kinds[kind].node, &next, 1, err))
        return false;
    if (first.offset || first.size != sizeof(uint64_t))
        return error_set(err, ERR_TYPE, "%s is not one pointer", kinds[kind].head);
    *layout = (struct layout){.head_size = sizeof(uint64_t), .next = next.offset};
    return true;
}

// A chain's own report becomes part of the table's.
static bool chain_merge(struct walk_report *table, const struct walk_report *chain)
{
    struct error err;
    table->elements += chain->elements;
    switch (chain->end) {
    case WALK_END_WHOLE:
    case WALK_END_PARTIAL:
    case WALK_END_LIMIT:
        return true;
    case WALK_END_CYCLE:
        walk_damaged(&err, chain->at, "a chain runs in a circle");
        return walk_skip(table, &err, chain->at);
    case WALK_END_ERROR:
        break;
    }
    return walk_skip(table, &chain->error, chain->at);
}

enum walk_end hlist_collect(const struct hlist_walk *walk, struct array *nodes,
                            struct walk_report *report)
{
    struct layout layout = {0};
    size_t first = nodes->count;
    if (!layout_find(walk->kind, &layout, &report->error))
        return walk_fail(report, walk->head);
    struct list_walk chain = {.offset = layout.next, // the head's pointer is where a node's is
                              .tags = kinds[walk->kind].tags,
                              .ends = kinds[walk->kind].ends};
    for (uint64_t i = 0; i < walk->heads; i++) {
        struct walk_report one = {.elements = report->elements};
        chain.head = walk->head + i * layout.head_size - layout.next;
        chain.limit = walk->limit - (nodes->count - first);
        list_collect(&chain, nodes, &one);
        one.elements -= report->elements;
        if (walk->heads == 1 || one.end == WALK_END_LIMIT) {
            report->error = one.error;
            report->elements += one.elements;
            return walk_finish(report, one.end, one.at);
        }
        if (!chain_merge(report, &one))
            return walk_fail(report, one.at);
        // Empty chains are looked at too: a table may be anything, and of any length.
        if (!walk_tick(report))
            return walk_fail(report, one.at);
    }
    return walk_finish_all(report);
}
