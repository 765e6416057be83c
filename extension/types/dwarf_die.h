// SPDX-License-Identifier: GPL-3.0-or-later
// Reading single entries of DWARF ("DIEs") without trusting them.
//
// Every function takes any entry and gives a harmless answer where the attribute is missing,
// malformed or refers to nowhere; references are followed a bounded number of times.
#ifndef MPYKDUMP_TYPES_DWARF_DIE_H
#define MPYKDUMP_TYPES_DWARF_DIE_H

#include <dwarf.h>
#include <stdbool.h>
#include <stdint.h>

#include "types/libdw.h"

// Attributes of the entry, or of the one it completes (DW_AT_specification) or repeats
// (DW_AT_abstract_origin).
bool die_attribute(Dwarf_Die *die, unsigned name, Dwarf_Attribute *attribute);

// NULL if it has no name.
const char *die_name(Dwarf_Die *die);

// The constant, or `missing`.
uint64_t die_number(Dwarf_Die *die, unsigned name, uint64_t missing);
bool die_flag(Dwarf_Die *die, unsigned name);

// The entry that an attribute refers to, in the same file. False if there is none.
bool die_reference(Dwarf_Die *die, unsigned name, Dwarf_Die *target);

// The type of an entry, with const, volatile and the like skipped. False for void.
bool die_type(Dwarf_Die *die, Dwarf_Die *type);

// The children, one after another. They are bounded by the entries that the unit really has: each
// one stands behind the one before.
bool die_child(Dwarf_Die *die, Dwarf_Die *child);
bool die_sibling(Dwarf_Die *die, Dwarf_Die *sibling);

// Whether two structs, unions or enums have the same members at the same places, as far as one
// sees without following their types.
bool die_same_shape(Dwarf_Die *one, Dwarf_Die *other);

#endif
