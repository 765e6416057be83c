// SPDX-License-Identifier: GPL-3.0-or-later
// crash's symbol tables.
#include "host/crash.h"
#include "host/host.h"
#include "host/trap.h"

struct symbol_call {
    const char *name; // by name
    ulong address;    // by address
    ulong offset;
    struct syment *found;
    char *module;
};

static void deliver(const struct syment *entry, struct host_symbol *symbol)
{
    *symbol =
        (struct host_symbol){.name = entry->name, .address = entry->value, .type = entry->type};
}

static void find_run(void *argument)
{
    struct symbol_call *call = argument;
    call->found = symbol_search((char *)call->name);
}

bool host_symbol_find(const char *name, struct host_symbol *symbol)
{
    struct symbol_call call = {.name = name};
    if (!host_trap(find_run, &call, TRAP_PLAIN, NULL) || !call.found)
        return false;
    deliver(call.found, symbol);
    return true;
}

static void at_run(void *argument)
{
    struct symbol_call *call = argument;
    call->found = value_search(call->address, &call->offset);
}

bool host_symbol_at(uint64_t address, struct host_symbol *symbol, uint64_t *offset)
{
    struct symbol_call call = {.address = address};
    if (!host_trap(at_run, &call, TRAP_PLAIN, NULL) || !call.found)
        return false;
    deliver(call.found, symbol);
    *offset = address - call.found->value;
    return true;
}

static void module_run(void *argument)
{
    struct symbol_call *call = argument;
    struct load_module *module = NULL;
    if (module_symbol(call->address, NULL, &module, NULL, 16) && module)
        call->module = module->mod_name;
}

const char *host_module_at(uint64_t address)
{
    struct symbol_call call = {.address = address};
    host_trap(module_run, &call, TRAP_PLAIN, NULL);
    return call.module;
}
