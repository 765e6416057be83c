// SPDX-License-Identifier: GPL-3.0-or-later
// Walking chains of pointers in kernel memory: list_head, hlist, singly linked lists.
#ifndef MPYKDUMP_WALKERS_LIST_H
#define MPYKDUMP_WALKERS_LIST_H

#include <stdint.h>

#include "walkers/walk.h"

struct list_walk {
    uint64_t head;   // where to start; the walk begins with what it points to
    uint64_t offset; // of the `next` pointer in each node
    uint64_t limit;  // nodes at most
};

// Appends the addresses of the nodes (not the head) to `nodes`, each once.
enum walk_end list_collect(const struct list_walk *walk, struct array *nodes,
                           struct walk_report *report);

#endif
