// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/dwarf_die.h"

#include <string.h>

enum {
    MAX_ORIGINS = 8,     // of an entry that completes another that completes another
    MAX_QUALIFIERS = 32, // const volatile ...
    MAX_SHAPE = 1 << 16, // members compared
};

// What an attribute of this entry refers to, without asking whom it completes.
static bool own_reference(Dwarf_Die *die, unsigned name, Dwarf_Die *target)
{
    Dwarf_Attribute attribute;
    if (!libdw->dwarf_attr(die, name, &attribute) || !libdw->dwarf_formref_die(&attribute, target))
        return false;
    // A supplementary file that nobody asked for is another world of offsets.
    return libdw->dwarf_cu_getdwarf(target->cu) == libdw->dwarf_cu_getdwarf(die->cu);
}

bool die_attribute(Dwarf_Die *die, unsigned name, Dwarf_Attribute *attribute)
{
    Dwarf_Die at = *die;
    for (int i = 0; i < MAX_ORIGINS; i++) {
        Dwarf_Die origin;
        if (libdw->dwarf_attr(&at, name, attribute))
            return true;
        if (!own_reference(&at, DW_AT_specification, &origin) &&
            !own_reference(&at, DW_AT_abstract_origin, &origin))
            return false;
        at = origin;
    }
    return false;
}

const char *die_name(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    const char *name = NULL;
    if (die_attribute(die, DW_AT_name, &attribute))
        name = libdw->dwarf_formstring(&attribute);
    // A name that no compiler writes is none.
    for (const char *c = name; c && *c; c++) {
        if (*c < ' ' || *c > '~')
            return NULL;
    }
    return name && *name ? name : NULL;
}

uint64_t die_number(Dwarf_Die *die, unsigned name, uint64_t missing)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    if (!libdw->dwarf_attr(die, name, &attribute) ||
        libdw->dwarf_formudata(&attribute, &value) != 0)
        return missing;
    return value;
}

bool die_flag(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    bool value;
    return libdw->dwarf_attr(die, name, &attribute) &&
           libdw->dwarf_formflag(&attribute, &value) == 0 && value;
}

bool die_reference(Dwarf_Die *die, unsigned name, Dwarf_Die *target)
{
    Dwarf_Attribute attribute;
    if (!die_attribute(die, name, &attribute) || !libdw->dwarf_formref_die(&attribute, target))
        return false;
    return libdw->dwarf_cu_getdwarf(target->cu) == libdw->dwarf_cu_getdwarf(die->cu);
}

static bool is_qualifier(int tag)
{
    return tag == DW_TAG_const_type || tag == DW_TAG_volatile_type || tag == DW_TAG_restrict_type ||
           tag == DW_TAG_atomic_type || tag == DW_TAG_immutable_type || tag == DW_TAG_packed_type ||
           tag == DW_TAG_shared_type;
}

bool die_type(Dwarf_Die *die, Dwarf_Die *type)
{
    Dwarf_Die at = *die;
    for (int i = 0; i < MAX_QUALIFIERS; i++) {
        if (!die_reference(&at, DW_AT_type, type))
            return false;
        if (!is_qualifier(libdw->dwarf_tag(type)))
            return true;
        at = *type;
    }
    return false;
}

bool die_child(Dwarf_Die *die, Dwarf_Die *child)
{
    return libdw->dwarf_child(die, child) == 0 && child->addr > die->addr;
}

bool die_sibling(Dwarf_Die *die, Dwarf_Die *sibling)
{
    void *before = die->addr; // the two may be one
    return libdw->dwarf_siblingof(die, sibling) == 0 && sibling->addr > before;
}

static bool same_text(const char *one, const char *other)
{
    return one == other || (one && other && !strcmp(one, other));
}

static bool same_entry(Dwarf_Die *one, Dwarf_Die *other)
{
    static const unsigned numbers[] = {DW_AT_data_member_location, DW_AT_data_bit_offset,
                                       DW_AT_bit_offset, DW_AT_bit_size, DW_AT_const_value};
    if (libdw->dwarf_tag(one) != libdw->dwarf_tag(other) ||
        !same_text(die_name(one), die_name(other)))
        return false;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        if (die_number(one, numbers[i], 0) != die_number(other, numbers[i], 0))
            return false;
    }
    return true;
}

bool die_same_shape(Dwarf_Die *one, Dwarf_Die *other)
{
    Dwarf_Die a;
    Dwarf_Die b;
    bool has_a = die_child(one, &a);
    bool has_b = die_child(other, &b);
    for (int i = 0; has_a && has_b && i < MAX_SHAPE; i++) {
        if (!same_entry(&a, &b))
            return false;
        has_a = die_sibling(&a, &a);
        has_b = die_sibling(&b, &b);
    }
    return !has_a && !has_b;
}
