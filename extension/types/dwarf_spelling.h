// SPDX-License-Identifier: GPL-3.0-or-later
// How the type of a DWARF entry is written, for what has no index of types beside it.
#ifndef MPYKDUMP_TYPES_DWARF_SPELLING_H
#define MPYKDUMP_TYPES_DWARF_SPELLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "types/libdw.h"

struct dwarf_spelling {
    uint64_t size;  // bytes, 0 if unknown
    bool is_scalar; // a number, an enum or a pointer
    bool is_signed;
};

// Writes the type of an entry as type_format does ("struct file *"), cut at `size` bytes.
void dwarf_spell(Dwarf_Die *die, char *buffer, size_t size, struct dwarf_spelling *spelling);

#endif
