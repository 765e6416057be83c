// SPDX-License-Identifier: GPL-3.0-or-later
// Walking chains of pointers in kernel memory: list_head, and the core of all singly linked lists.
#ifndef MPYKDUMP_WALKERS_LIST_H
#define MPYKDUMP_WALKERS_LIST_H

#include <stdint.h>

#include "walkers/walk.h"

struct list_walk {
    uint64_t head;   // where to start; the walk begins with what it points to
    uint64_t offset; // of the `next` pointer in each node
    uint64_t limit;  // nodes at most
    uint64_t tags;   // bits of a pointer that are no part of the address
    uint64_t ends;   // bits any of which marks a pointer that ends the list
    bool circular;   // ends at its head; a NULL pointer in it is damage
};

// Appends the addresses of the nodes (not the head) to `nodes`, each once.
enum walk_end list_collect(const struct list_walk *walk, struct array *nodes,
                           struct walk_report *report);

#endif
