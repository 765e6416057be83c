// SPDX-License-Identifier: GPL-3.0-or-later
// What is being analysed, and small answers that only crash's own code has.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/capture.h"
#include "host/crash.h"
#include "host/host.h"
#include "host/trap.h"

// crash guesses 1000 where the kernel's configuration is not in the dump; the kernel has the length
// of a tick.
static unsigned ticks_per_second(void)
{
    const uint64_t second = 1000000000;
    static unsigned known;
    if (known)
        return known;
    struct host_symbol symbol;
    uint64_t tick = 0;
    if (host_symbol_find("tick_nsec", &symbol) &&
        host_read(HOST_KERNEL, symbol.address, &tick, sizeof(tick), NULL) && tick > 0 &&
        tick <= second)
        known = (unsigned)((second + tick / 2) / tick);
    else
        known = machdep->hz;
    return known;
}

void host_info_get(struct host_info *info)
{
    *info = (struct host_info){
        .dump_file = pc->dumpfile ? pc->dumpfile : pc->live_memsrc,
        .namelist = pc->debuginfo_file   ? pc->debuginfo_file
                    : pc->namelist_debug ? pc->namelist_debug
                                         : pc->namelist,
        .module_tree = kt->module_tree ? kt->module_tree : getenv("CRASH_MODULE_PATH"),
        .machine = pc->machine_type,
        .host_version = build_version,
        .host_built = CRASH_HEADER_VERSION,
        .live = ACTIVE(),
        .cpus = (unsigned)kt->cpus,
        .hz = ticks_per_second(),
        .page_shift = (unsigned)machdep->pageshift,
    };
    snprintf(info->release, sizeof(info->release), "%s", kt->utsname.release);
}

struct path_call {
    ulong dentry;
    ulong mount;
    char *path;
    int size;
};

static void path_run(void *argument)
{
    struct path_call *call = argument;
    get_pathname(call->dentry, call->path, call->size, 1, call->mount);
}

bool host_path(uint64_t dentry, uint64_t mount, char *path, size_t size, struct error *err)
{
    struct path_call call = {.dentry = dentry, .mount = mount, .path = path, .size = (int)size};
    path[0] = '\0';
    struct error jumped = {0};
    if (capture_ask(path_run, &call, &jumped))
        return true;
    if (jumped.code == ERR_HOST)
        return error_set_at(err, ERR_FAULT, dentry,
                            "no path for dentry 0x%" PRIx64 " on mount 0x%" PRIx64, dentry, mount);
    if (err)
        *err = jumped;
    return false;
}

struct enumerator_call {
    char *name;
    long value;
    int ok;
};

static void enumerator_run(void *argument)
{
    struct enumerator_call *call = argument;
    call->ok = enumerator_value(call->name, &call->value);
}

bool host_enumerator(const char *name, int64_t *value)
{
    struct enumerator_call call = {.name = (char *)name};
    if (!capture_ask(enumerator_run, &call, NULL) || !call.ok)
        return false;
    *value = call.value;
    return true;
}

static void uptime_run(void *argument)
{
    ulonglong *jiffies = argument;
    get_uptime(NULL, jiffies);
}

uint64_t host_uptime_jiffies(void)
{
    ulonglong jiffies = 0;
    host_trap(uptime_run, &jiffies, TRAP_PLAIN, NULL);
    return jiffies;
}
