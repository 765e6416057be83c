// SPDX-License-Identifier: GPL-3.0-or-later
// An IDR is an xarray whose indices begin at a base.
#include "memory/cache.h"
#include "types/path.h"
#include "walkers/xarray.h"

enum walk_end idr_collect(uint64_t address, uint64_t limit, struct xarray_entries *found,
                          struct walk_report *report)
{
    struct path_field tree = {.name = "idr_rt"};
    struct path_field base = {.name = "idr_base"};
    uint64_t first = 0;
    size_t before = found->indices.count;
    if (!path_fields("struct idr", &tree, 1, &report->error) ||
        (path_field_exists("struct idr", &base) && base.size == sizeof(uint32_t) &&
         !cache_read_word(address + base.offset, base.size, &first, &report->error)))
        return walk_fail(report, address);
    enum walk_end end = xarray_collect(address + tree.offset, limit, found, report);
    for (size_t i = before; i < found->indices.count; i++)
        found->indices.items[i] += first;
    return end;
}
