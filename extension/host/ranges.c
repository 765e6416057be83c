// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel's address space is made of, as crash knows it for this machine and kernel.
#include "host/crash.h"
#include "host/host.h"
#include "host/trap.h"

struct ranges_call {
    struct vaddr_range ranges[MAX_KVADDR_RANGES + 1];
    int count;
};

static void ranges_run(void *argument)
{
    struct ranges_call *call = argument;
    if (machdep->get_kvaddr_ranges)
        call->count = machdep->get_kvaddr_ranges(call->ranges);
}

static const char *range_name(ulong type)
{
    switch (type) {
    case KVADDR_UNITY_MAP:
        return "direct map";
    case KVADDR_VMALLOC:
        return "vmalloc";
    case KVADDR_VMEMMAP:
        return "vmemmap";
    case KVADDR_START_MAP:
        return "kernel";
    case KVADDR_MODULES:
        return "modules";
    }
    return "other";
}

size_t host_ranges(struct host_range ranges[HOST_MAX_RANGES])
{
    struct ranges_call call = {.count = 0};
    size_t count = 0;
    if (!host_trap(ranges_run, &call, TRAP_PLAIN, NULL))
        return 0;
    for (int i = 0; i < call.count && count < HOST_MAX_RANGES; i++) {
        if (call.ranges[i].end > call.ranges[i].start)
            ranges[count++] = (struct host_range){.start = call.ranges[i].start,
                                                  .end = call.ranges[i].end,
                                                  .name = range_name(call.ranges[i].type)};
    }
    return count;
}
