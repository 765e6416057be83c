// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/list.h"

#include "memory/cache.h"

// A cycle of `length` nodes was noticed somewhere behind its beginning: keeps each node once.
static void cycle_cut(struct array *nodes, size_t first, size_t length)
{
    const uint64_t *node = nodes->items + first;
    while (node + length < nodes->items + nodes->count && node[0] != node[length])
        node++;
    nodes->count = (size_t)(node - nodes->items) + length;
}

enum walk_end list_collect(const struct list_walk *walk, struct array *nodes,
                           struct walk_report *report)
{
    size_t first = nodes->count;
    uint64_t node = walk->head;
    uint64_t count = 0;
    // Brent's algorithm: a marked node is compared with each later one, and moves on when the
    // distance has doubled. A cycle of any length is met within three rounds of it.
    uint64_t marked = node;
    uint64_t distance = 0;
    uint64_t stride = 1;

    for (;;) {
        uint64_t next;
        if (!cache_read_word(node + walk->offset, sizeof(next), &next, &report->error))
            return walk_fail(report, node);
        if (next & walk->ends)
            return walk_finish(report, WALK_END_WHOLE, node);
        next &= ~walk->tags;
        if (!next && walk->circular) {
            walk_damaged(&report->error, node + walk->offset, "NULL in a circular list");
            return walk_fail(report, node);
        }
        if (!next || next == walk->head)
            return walk_finish(report, WALK_END_WHOLE, node);
        if (next == marked) {
            cycle_cut(nodes, first, distance + 1);
            return walk_finish(report, WALK_END_CYCLE, node);
        }
        if (count == walk->limit)
            return walk_finish(report, WALK_END_LIMIT, node);
        if (!walk_append(report, nodes, next) || !walk_tick(report))
            return walk_fail(report, node);
        node = next;
        count++;
        if (++distance == stride) {
            marked = node;
            distance = 0;
            stride *= 2;
        }
    }
}
