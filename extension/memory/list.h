// SPDX-License-Identifier: GPL-3.0-or-later
// Walking chains of pointers in kernel memory: list_head, hlist, singly linked lists.
//
// A walk always ends: it is bounded, notices cycles and Ctrl-C, and says how it ended.
#ifndef MPYKDUMP_MEMORY_LIST_H
#define MPYKDUMP_MEMORY_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/array.h"
#include "base/error.h"

enum list_end {
    LIST_END_HEAD,  // back at the head: a whole circular list
    LIST_END_NULL,  // a NULL pointer: a whole open list
    LIST_END_LIMIT, // as many nodes as were allowed, and there are more
    LIST_END_CYCLE, // a node that was seen before, and is not the head
    LIST_END_ERROR, // see the struct error: unreadable memory, interrupted, no memory
};

struct list_walk {
    uint64_t head;   // where to start; the walk begins with what it points to
    uint64_t offset; // of the `next` pointer in each node
    uint64_t limit;  // nodes at most
};

// Appends the addresses of the nodes (not the head) to `nodes`. `at` (may be NULL) gets the
// address of the node where a walk that did not end well stopped.
enum list_end list_collect(const struct list_walk *walk, struct array *nodes, uint64_t *at,
                           struct error *err);

#endif
