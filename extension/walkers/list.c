// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/list.h"

#include "host/host.h"
#include "memory/cache.h"

// A cycle of `length` nodes was noticed somewhere behind its beginning: keeps each node once.
static void cycle_cut(struct array *nodes, size_t first, size_t length)
{
    const uint64_t *node = nodes->items + first;
    while (node + length < nodes->items + nodes->count && node[0] != node[length])
        node++;
    nodes->count = (size_t)(node - nodes->items) + length;
}

static enum walk_end finish(struct walk_report *report, enum walk_end end, uint64_t at)
{
    report->end = end;
    report->at = at;
    return end;
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
            return finish(report, WALK_END_ERROR, node);
        if (!next || next == walk->head)
            return finish(report, WALK_END_WHOLE, node);
        if (next == marked) {
            cycle_cut(nodes, first, distance + 1);
            return finish(report, WALK_END_CYCLE, node);
        }
        if (count == walk->limit)
            return finish(report, WALK_END_LIMIT, node);
        if (!array_append(nodes, next)) {
            error_set_no_memory(&report->error);
            return finish(report, WALK_END_ERROR, node);
        }
        node = next;
        count++;
        if (++distance == stride) {
            marked = node;
            distance = 0;
            stride *= 2;
        }
        if (count % WALK_INTERRUPT_INTERVAL == 0 && host_interrupted()) {
            error_set(&report->error, ERR_INTERRUPTED, "interrupted");
            return finish(report, WALK_END_ERROR, node);
        }
    }
}
