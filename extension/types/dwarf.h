// SPDX-License-Identifier: GPL-3.0-or-later
// The DWARF provider, between its own files.
#ifndef MPYKDUMP_TYPES_DWARF_H
#define MPYKDUMP_TYPES_DWARF_H

#include "base/map.h"
#include "types/dwarf_die.h"
#include "types/dwarf_file.h"
#include "types/dwarf_index.h"
#include "types/provider.h"

struct dwarf_type {
    struct type type;
    Dwarf_Die die;
    struct dwarf_type *next; // of all made
};

struct dwarf_provider {
    struct type_provider base;
    char *path;
    struct dwarf_file file;       // not open before it is needed
    struct type_provider *kernel; // of a module's file: whose types come first; else NULL
    struct dwarf_index index;
    struct map types; // address of a DIE -> its type; repetitions of a definition share one
    struct dwarf_type *made;
};

// The type that a DIE describes. Never NULL: what is unusable is void.
const struct type *dwarf_type_of(struct dwarf_provider *provider, Dwarf_Die *die, int nesting);

// What the DW_AT_type of a DIE means.
const struct type *dwarf_type_behind(struct dwarf_provider *provider, Dwarf_Die *die, int nesting);

// The DIE of an index entry. False if what is there is not what the index says.
bool dwarf_entry_die(struct dwarf_provider *provider, uint32_t entry, Dwarf_Die *die);

// The type of the kernel that the DIE of a module's file describes or declares, NULL if it is one
// of the module's own.
const struct type *dwarf_kernel_type(struct dwarf_provider *provider, Dwarf_Die *die);

// Fills in members or enumerators.
bool dwarf_type_complete(struct type_provider *base, struct type *type, struct error *err);

// Where a member lies, in bytes, within the struct that has its DIE.
uint64_t dwarf_member_offset(Dwarf_Die *die);

// Whether an enum has negative values, which makes it signed.
bool dwarf_enum_is_signed(Dwarf_Die *die);

#endif
