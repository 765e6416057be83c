// SPDX-License-Identifier: GPL-3.0-or-later
// Which types in a module's file are the kernel's own.
//
// A module is compiled with the kernel's headers: its file describes most of the kernel's types
// again. Where the kernel has the same, that one is taken, so that a struct is one type wherever a
// program comes to it from. What only has the name of a type of the kernel stays the module's.
#include <string.h>

#include "types/dwarf.h"
#include "types/dwarf_scan.h"
#include "types/modules.h"

enum { MAX_CHILDREN = 1 << 16 };

static bool same_text(const char *one, const char *other)
{
    return one == other || (one && other && !strcmp(one, other));
}

static enum type_kind kind_of(int tag)
{
    switch (dwarf_scan_kind(tag)) {
    case INDEX_STRUCT:
        return TYPE_STRUCT;
    case INDEX_UNION:
        return TYPE_UNION;
    case INDEX_ENUM:
        return TYPE_ENUM;
    case INDEX_TYPEDEF:
        return TYPE_TYPEDEF;
    case INDEX_BASE:
        return TYPE_INT;
    default:
        break;
    }
    if (tag == DW_TAG_pointer_type)
        return TYPE_POINTER;
    if (tag == DW_TAG_array_type)
        return TYPE_ARRAY;
    return tag == DW_TAG_subroutine_type ? TYPE_FUNCTION : TYPE_VOID;
}

static bool has_enumerator(const struct type *type, const char *name)
{
    for (size_t i = 0; i < type->count; i++) {
        if (same_text(type->enumerators[i].name, name))
            return true;
    }
    return false;
}

// Whether all that the DIE has names for is in the type, at its place.
static bool same_children(const struct type *type, Dwarf_Die *die)
{
    Dwarf_Die child;
    bool more = die_child(die, &child);
    for (int i = 0; more && i < MAX_CHILDREN; i++, more = die_sibling(&child, &child)) {
        const char *name = die_name(&child);
        if (!name)
            continue;
        if (type->kind == TYPE_ENUM) {
            if (!has_enumerator(type, name))
                return false;
            continue;
        }
        if (libdw->dwarf_tag(&child) != DW_TAG_member || die_flag(&child, DW_AT_external))
            continue;
        const struct type_member *member = type_member_find(type, name);
        if (!member)
            return false;
        // Places of bit fields are told in other ways.
        if (!member->bit_size &&
            die_number(&child, DW_AT_data_bit_offset, UINT64_MAX) == UINT64_MAX &&
            member->bit_offset / 8 != dwarf_member_offset(&child))
            return false;
    }
    return !more;
}

// Of a struct, union or enum with the name of the type, or without.
static bool same_contents(const struct type *type, Dwarf_Die *die)
{
    return type->size == die_number(die, DW_AT_byte_size, type->size) &&
           type_complete(type, NULL) && same_children(type, die);
}

// Whether two typedefs of one name mean the same, as far as is cheap to see.
static bool same_target(const struct type *type, Dwarf_Die *die)
{
    Dwarf_Die behind;
    const struct type *target = type_target(type);
    if (!die_type(die, &behind))
        return target->kind == TYPE_VOID;
    enum type_kind kind = kind_of(libdw->dwarf_tag(&behind));
    const char *name = die_name(&behind);
    if (kind == TYPE_INT) // or bool, or a number with a fraction
        return same_text(target->name, name);
    if (target->kind != kind || !same_text(target->name, name))
        return false;
    return name || kind == TYPE_POINTER || kind == TYPE_ARRAY || kind == TYPE_FUNCTION ||
           same_contents(target, &behind);
}

const struct type *dwarf_kernel_type(struct dwarf_provider *provider, Dwarf_Die *die)
{
    static const enum type_space spaces[] = {
        [TYPE_STRUCT] = TYPE_SPACE_STRUCT, [TYPE_UNION] = TYPE_SPACE_UNION,
        [TYPE_ENUM] = TYPE_SPACE_ENUM,     [TYPE_TYPEDEF] = TYPE_SPACE_ORDINARY,
        [TYPE_INT] = TYPE_SPACE_ORDINARY,
    };
    int tag = libdw->dwarf_tag(die);
    if (dwarf_scan_kind(tag) >= INDEX_VARIABLE)
        return NULL;
    enum type_kind kind = kind_of(tag);
    const char *name = die_name(die);
    const struct type *type =
        name ? provider->kernel->find(provider->kernel, spaces[kind], name) : NULL;
    if (die_flag(die, DW_AT_declaration))
        return type || !name ? type : modules_find_loaded(spaces[kind], name);
    if (!type || (kind == TYPE_TYPEDEF) != (type->kind == TYPE_TYPEDEF))
        return NULL;
    bool same;
    if (kind == TYPE_TYPEDEF)
        same = same_target(type, die);
    else if (kind == TYPE_INT)
        same = type->size == die_number(die, DW_AT_byte_size, 0);
    else
        same = same_contents(type, die);
    return same ? type : NULL;
}
