// SPDX-License-Identifier: GPL-3.0-or-later
// The files whose DWARF describes the code in a dump: the namelist, and those of modules that were
// named. Opened when they are first asked, and kept with what was found in them.
#ifndef MPYKDUMP_STACKS_CODE_FILES_H
#define MPYKDUMP_STACKS_CODE_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "types/dwarf_place.h"

struct code_place {
    const struct dwarf_place *place;
    uint64_t bias; // what is added to addresses of the file: the kernel is not where it was linked
};

// What is known of the code at an address of the kernel (`module` NULL) or of a module;
// `return_pc` is the address behind the call there, 0 if it is no call. False with ERR_NONE if
// nothing is, with ERR_TYPE and the reason if there is no DWARF at all, or when it was interrupted.
bool code_place_find(const char *module, uint64_t pc, uint64_t return_pc, struct code_place *found,
                     struct error *err);

// Names the file of a module, whose sections were loaded at those addresses. False with the reason
// if there is no DWARF in it.
bool code_files_add(const char *module, const char *path, const struct dwarf_sections *sections,
                    struct error *err);

// Forgets all files; those that somebody holds, when they are released.
void code_files_reset(void);

// Between these two, what was found is good.
void code_files_hold(void);
void code_files_release(void);

#endif
