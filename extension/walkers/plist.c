// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/plist.h"

#include "types/path.h"
#include "walkers/list.h"

enum walk_end plist_collect(uint64_t head, uint64_t limit, struct array *nodes,
                            struct walk_report *report)
{
    struct path_field in_head = {.name = "node_list"};
    struct path_field in_node = {.name = "node_list"};
    if (!path_fields("struct plist_head", &in_head, 1, &report->error) ||
        !path_fields("struct plist_node", &in_node, 1, &report->error))
        return walk_fail(report, head);
    struct list_walk walk = {.head = head + in_head.offset, .limit = limit, .circular = true};
    size_t first = nodes->count;
    enum walk_end end = list_collect(&walk, nodes, report);
    for (size_t i = first; i < nodes->count; i++)
        nodes->items[i] -= in_node.offset;
    return end;
}
