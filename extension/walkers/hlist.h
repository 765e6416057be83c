// SPDX-License-Identifier: GPL-3.0-or-later
// Singly linked chains behind a head that is one pointer, and tables of such heads.
#ifndef MPYKDUMP_WALKERS_HLIST_H
#define MPYKDUMP_WALKERS_HLIST_H

#include "walkers/walk.h"

enum hlist_kind {
    HLIST_PLAIN, // hlist_head, hlist_node: ends with NULL
    HLIST_NULLS, // hlist_nulls_head: ends with an odd number
    HLIST_BL,    // hlist_bl_head: bit 0 of the head is a lock
    HLIST_LLIST, // llist_head, llist_node
};

struct hlist_walk {
    enum hlist_kind kind;
    uint64_t head;  // of the first or only head
    uint64_t heads; // of a hash table; 1 for a chain
    uint64_t limit; // nodes at most
};

// Appends the addresses of the nodes, each once. In a table a chain that does not end well is left
// where it breaks and counted as skipped.
enum walk_end hlist_collect(const struct hlist_walk *walk, struct array *nodes,
                            struct walk_report *report);

#endif
