// SPDX-License-Identifier: GPL-3.0-or-later
#include "memory/list.h"

#include "host/host.h"
#include "memory/cache.h"

enum { NODES_PER_INTERRUPT_CHECK = 1024 };

// A cycle of `length` nodes was noticed somewhere behind its beginning: keeps each node once.
static void cycle_cut(struct array *nodes, size_t first, size_t length)
{
    const uint64_t *node = nodes->items + first;
    while (node + length < nodes->items + nodes->count && node[0] != node[length])
        node++;
    nodes->count = (size_t)(node - nodes->items) + length;
}

enum list_end list_collect(const struct list_walk *walk, struct array *nodes, uint64_t *at,
                           struct error *err)
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
        if (at)
            *at = node;
        if (!cache_read_word(node + walk->offset, sizeof(next), &next, err))
            return LIST_END_ERROR;
        if (!next)
            return LIST_END_NULL;
        if (next == walk->head)
            return LIST_END_HEAD;
        if (next == marked) {
            cycle_cut(nodes, first, distance + 1);
            return LIST_END_CYCLE;
        }
        if (count == walk->limit)
            return LIST_END_LIMIT;
        if (!array_append(nodes, next)) {
            error_set_no_memory(err);
            return LIST_END_ERROR;
        }
        node = next;
        count++;
        if (++distance == stride) {
            marked = node;
            distance = 0;
            stride *= 2;
        }
        if (count % NODES_PER_INTERRUPT_CHECK == 0 && host_interrupted()) {
            error_set(err, ERR_INTERRUPTED, "interrupted");
            return LIST_END_ERROR;
        }
    }
}
