// SPDX-License-Identifier: GPL-3.0-or-later
#include "stacks/code_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "host/host.h"
#include "symbols/symbols.h"

struct code_file {
    char *module;    // NULL: the kernel
    uint64_t loaded; // a hash of where its sections are
    struct dwarf_file file;
    uint64_t bias;
    bool opened;
    struct error reason;  // why it is not
    struct map places[2]; // by address: of calls, and of other code; those not known are `nowhere`
    struct code_file *next; // the same module may be again behind it, as it was loaded before
};

static struct code_file kernel;
static struct code_file *modules;
static struct dwarf_place nowhere;
static unsigned holders;
static bool reset_wanted;

static void file_forget(struct code_file *file)
{
    for (size_t kind = 0; kind < 2; kind++) {
        struct map *places = &file->places[kind];
        for (size_t i = 0; places->slots && i <= places->mask; i++) {
            if (places->slots[i].value != &nowhere)
                dwarf_place_free(places->slots[i].value);
        }
        map_clear(places);
    }
    if (file->opened)
        dwarf_file_close(&file->file);
    free(file->module);
    file->opened = false;
    file->module = NULL;
    file->reason.code = ERR_NONE;
}

static struct code_file *module_find(const char *module)
{
    struct code_file *file = modules;
    while (file && strcmp(file->module, module) != 0)
        file = file->next;
    return file;
}

static void forget_all(void)
{
    file_forget(&kernel);
    while (modules) {
        struct code_file *file = modules;
        modules = file->next;
        file_forget(file);
        free(file);
    }
    reset_wanted = false;
}

void code_files_reset(void)
{
    if (holders)
        reset_wanted = true;
    else
        forget_all();
}

void code_files_hold(void)
{
    holders++;
}

void code_files_release(void)
{
    holders--;
    if (!holders && reset_wanted)
        forget_all();
}

// How far the kernel was loaded from where it was linked: its text begins with a symbol.
static bool find_bias(struct code_file *file, struct error *err)
{
    struct host_symbol text;
    uint64_t linked;
    if (!symbols_find("_text", &text) || !dwarf_file_section(&file->file, ".text", &linked))
        return error_set(err, ERR_TYPE, "where the namelist's code was loaded is not known");
    file->bias = text.address - linked;
    return true;
}

static bool kernel_open(struct error *err)
{
    struct host_info info;
    if (kernel.opened)
        return true;
    if (kernel.reason.code == ERR_NONE) {
        host_info_get(&info);
        if (!info.namelist)
            error_set(&kernel.reason, ERR_TYPE, "there is no namelist to read DWARF from");
        else if (dwarf_file_open(&kernel.file, info.namelist, &kernel.reason)) {
            kernel.opened = find_bias(&kernel, &kernel.reason);
            if (kernel.opened)
                return true;
            dwarf_file_close(&kernel.file);
        }
    }
    *err = kernel.reason;
    return false;
}

bool code_files_add(const char *module, const char *path, const struct dwarf_sections *sections,
                    struct error *err)
{
    uint64_t loaded = 0;
    for (size_t i = 0; i < sections->count; i++)
        loaded = map_hash(loaded ^ sections->addresses[i]);
    struct code_file *file = module_find(module);
    if (file && file->loaded == loaded)
        return true;
    struct code_file *made AUTO_FREE = calloc(1, sizeof(*made));
    char *name AUTO_FREE = strdup(module);
    if (!made || !name)
        return error_set_no_memory(err);
    if (!dwarf_file_open_loaded(&made->file, path, sections, err))
        return false;
    made->opened = true;
    made->loaded = loaded;
    made->module = TRANSFER(name);
    made->next = modules;
    modules = TRANSFER(made);
    return true;
}

bool code_place_find(const char *module, uint64_t pc, uint64_t return_pc, struct code_place *found,
                     struct error *err)
{
    struct code_file *file = module ? module_find(module) : &kernel;
    *err = (struct error){0};
    if (!file || !pc || (!module && !kernel_open(err)))
        return false;
    struct map *places = &file->places[return_pc ? 0 : 1];
    struct dwarf_place *place = map_get(places, pc);
    if (!place) {
        place = dwarf_place_find(&file->file, pc - file->bias,
                                 return_pc ? return_pc - file->bias : 0, err);
        if (!place && err->code != ERR_NONE)
            return false;
        if (!map_put(places, pc, place ? place : &nowhere)) {
            dwarf_place_free(place);
            return error_set_no_memory(err);
        }
    }
    if (!place || place == &nowhere)
        return false;
    *found = (struct code_place){place, file->bias};
    return true;
}
