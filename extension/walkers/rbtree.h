// SPDX-License-Identifier: GPL-3.0-or-later
// Red-black trees: rb_root, rb_root_cached, and latched trees by one of their roots.
#ifndef MPYKDUMP_WALKERS_RBTREE_H
#define MPYKDUMP_WALKERS_RBTREE_H

#include "walkers/walk.h"

// Appends the addresses of the rb_nodes under the rb_root at `root` in the tree's order, each
// once. A node whose parent is not the one that led to it is damaged: it and what is under it is
// skipped, which makes an end certain.
enum walk_end rbtree_collect(uint64_t root, uint64_t limit, struct array *nodes,
                             struct walk_report *report);

#endif
