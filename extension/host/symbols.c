// SPDX-License-Identifier: GPL-3.0-or-later
// crash's symbol tables.
#include <string.h>

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
    // crash complains aloud of a name without letters.
    if (!*name || !host_trap(find_run, &call, TRAP_PLAIN, NULL) || !call.found)
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

// st has another layout in crash after 9.0.2; ours fits if a known symbol lies in its table.
static bool table_fits(void)
{
    struct syment *known = symbol_search("_stext");
    return known && known >= st->symtable && known < st->symend;
}

// Modules are an array, whose stride is that of the running crash.
static bool modules_fit(void)
{
    return st->mods_installed > 0 && st->load_modules &&
           strcmp(build_version, CRASH_HEADER_VERSION) == 0;
}

const char *host_module_file(const char *name)
{
    for (int i = 0; modules_fit() && i < st->mods_installed; i++) {
        const struct load_module *module = &st->load_modules[i];
        if (!strcmp(module->mod_name, name))
            return module->mod_flags & MOD_LOAD_SYMS && *module->mod_namelist ? module->mod_namelist
                                                                              : NULL;
    }
    return NULL;
}

struct each_call {
    host_symbol_visitor visit;
    void *context;
    bool possible;
};

static bool visit_range(const struct each_call *call, const struct syment *entry,
                        const struct syment *end)
{
    for (; entry && entry < end; entry++) {
        struct host_symbol symbol;
        deliver(entry, &symbol);
        if (!call->visit(&symbol, call->context))
            return false;
    }
    return true;
}

// symend is the last entry of a module, not what follows it.
static bool visit_module(const struct each_call *call, const struct load_module *module)
{
#ifdef MODULE_MEMORY // crash 8.0.4: kernels since 6.4 (ac3b43283923) have modules in many pieces
    for (int i = 0; MODULE_MEMORY() && module->symtable && i < MOD_MEM_NUM_TYPES; i++) {
        if (module->symtable[i] && !visit_range(call, module->symtable[i], module->symend[i] + 1))
            return false;
    }
#endif
    return !module->mod_symtable || visit_range(call, module->mod_symtable, module->mod_symend + 1);
}

static void fits_run(void *argument)
{
    *(bool *)argument = table_fits();
}

bool host_symbols_each(host_symbol_visitor visit, void *context)
{
    struct each_call call = {.visit = visit, .context = context};
    if (!host_trap(fits_run, &call.possible, TRAP_PLAIN, NULL) || !call.possible)
        return false;
    // Plain memory from here on: the visitor may allocate, so it must not run inside a trap.
    if (!visit_range(&call, st->symtable, st->symend))
        return true;
    for (int i = 0; modules_fit() && i < st->mods_installed; i++) {
        if (!visit_module(&call, &st->load_modules[i]))
            return true;
    }
    return true;
}

uint64_t host_symbols_signature(void)
{
    uint64_t signature = (uintptr_t)st->symtable;
    for (int i = 0; modules_fit() && i < st->mods_installed; i++) {
        const struct load_module *module = &st->load_modules[i];
        signature = signature * 31 + (uintptr_t)module->mod_symtable + module->mod_flags;
#ifdef MODULE_MEMORY
        signature = signature * 31 + (uintptr_t)module->symtable;
#endif
    }
    return signature;
}
