// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/dwarf_spelling.h"

#include <stdio.h>
#include <string.h>

#include "types/dwarf_die.h"
#include "types/provider.h"

enum { MAX_LINKS = 32 }; // pointers to pointers, arrays of arrays, typedefs of typedefs

static const char *keyword_of(int tag)
{
    switch (tag) {
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
        return "struct ";
    case DW_TAG_union_type:
        return "union ";
    case DW_TAG_enumeration_type:
        return "enum ";
    default:
        return "";
    }
}

static bool is_pointer(int tag)
{
    return tag == DW_TAG_pointer_type || tag == DW_TAG_reference_type ||
           tag == DW_TAG_rvalue_reference_type;
}

// The number of elements of an array's first dimension; 0 if it says none.
static uint64_t length_of(Dwarf_Die *array)
{
    Dwarf_Die range;
    if (!die_child(array, &range))
        return 0;
    uint64_t length = die_number(&range, DW_AT_count, 0);
    return length ? length : die_number(&range, DW_AT_upper_bound, UINT64_MAX) + 1;
}

static void describe(Dwarf_Die *die, struct dwarf_spelling *spelling)
{
    Dwarf_Die at = *die;
    *spelling = (struct dwarf_spelling){0};
    for (int i = 0; i < MAX_LINKS && libdw->dwarf_tag(&at) == DW_TAG_typedef; i++) {
        Dwarf_Die next;
        if (!die_type(&at, &next))
            return;
        at = next;
    }
    int tag = libdw->dwarf_tag(&at);
    uint64_t encoding = die_number(&at, DW_AT_encoding, 0);
    spelling->size = die_number(&at, DW_AT_byte_size, is_pointer(tag) ? sizeof(uint64_t) : 0);
    spelling->is_scalar = is_pointer(tag) || tag == DW_TAG_enumeration_type ||
                          (tag == DW_TAG_base_type && encoding != DW_ATE_float);
    spelling->is_signed =
        tag == DW_TAG_base_type && (encoding == DW_ATE_signed || encoding == DW_ATE_signed_char);
}

void dwarf_spell(Dwarf_Die *die, char *buffer, size_t size, struct dwarf_spelling *spelling)
{
    char links[MAX_LINKS + 1] = "";
    const char *keyword = "";
    const char *base = NULL;
    Dwarf_Die at = *die;
    *spelling = (struct dwarf_spelling){0};
    for (int i = 0; i < MAX_LINKS && !base; i++) {
        Dwarf_Die next;
        if (!die_type(&at, &next)) {
            base = "void";
            break;
        }
        if (!i)
            describe(&next, spelling);
        at = next;
        int tag = libdw->dwarf_tag(&at);
        if (is_pointer(tag) || tag == DW_TAG_array_type) {
            type_format_link(links, sizeof(links), is_pointer(tag), length_of(&at));
        } else if (tag == DW_TAG_subroutine_type) {
            base = "(func)";
        } else {
            keyword = keyword_of(tag);
            base = die_name(&at);
            base = base ? base : "{...}";
        }
    }
    snprintf(buffer, size, "%s%s%s%s", keyword, base ? base : "?", *links ? " " : "", links);
}
