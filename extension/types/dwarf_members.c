// SPDX-License-Identifier: GPL-3.0-or-later
// Members of structs and unions, enumerators and parameters, from DWARF.
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "types/dwarf.h"
#include "types/members.h"

enum {
    MAX_NESTING = 32,          // of anonymous structs
    MAX_PARAMETERS = 256,      // of one function
    MAX_ENUMERATORS = 1 << 16, // of one enum
    MAX_OFFSET = INT32_MAX,    // of a member, in bytes
    MAX_BIT_SIZE = 128,        // of a bit field
};

// DWARF 2 wrote a member's offset as the expression "add N".
static uint64_t offset_of_expression(Dwarf_Attribute *attribute)
{
    Dwarf_Block block;
    uint64_t offset = 0;
    if (libdw->dwarf_formblock(attribute, &block) != 0 || !block.length ||
        block.data[0] != DW_OP_plus_uconst)
        return 0;
    for (size_t i = 1; i < block.length && i < 10; i++) {
        offset |= (uint64_t)(block.data[i] & 0x7f) << (7 * (i - 1));
        if (!(block.data[i] & 0x80))
            break;
    }
    return offset;
}

uint64_t dwarf_member_offset(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    Dwarf_Word offset;
    if (!libdw->dwarf_attr(die, DW_AT_data_member_location, &attribute))
        return 0;
    if (libdw->dwarf_formudata(&attribute, &offset) == 0)
        return offset;
    return offset_of_expression(&attribute);
}

// Where a member is, within the struct that has its DIE. False if it cannot be there.
static bool place_member(Dwarf_Die *die, struct type_member *member)
{
    uint64_t bit_size = die_number(die, DW_AT_bit_size, 0);
    uint64_t bits = die_number(die, DW_AT_data_bit_offset, UINT64_MAX);
    if (bits == UINT64_MAX) {
        bits = dwarf_member_offset(die);
        if (bits > MAX_OFFSET)
            return false;
        bits *= 8;
        // Before DWARF 4: counted from the most significant bit of the storage.
        uint64_t from_top = die_number(die, DW_AT_bit_offset, UINT64_MAX);
        if (bit_size && from_top != UINT64_MAX)
            bits += die_number(die, DW_AT_byte_size, member->type->size) * 8 - from_top - bit_size;
    }
    if (bits / 8 > MAX_OFFSET || bit_size > MAX_BIT_SIZE)
        return false;
    member->bit_offset += bits;
    member->bit_size = (uint32_t)bit_size;
    return member->bit_offset / 8 <= MAX_OFFSET;
}

static bool collect_members(struct dwarf_provider *provider, Dwarf_Die *die, uint64_t base_bits,
                            int nesting, struct member_list *list, struct error *err)
{
    Dwarf_Die child;
    if (nesting > MAX_NESTING)
        return error_set(err, ERR_TYPE, "structs nested more than %d deep", MAX_NESTING);
    for (bool more = die_child(die, &child); more; more = die_sibling(&child, &child)) {
        if (!member_list_visit(list, err))
            return false;
        if (libdw->dwarf_tag(&child) != DW_TAG_member || die_flag(&child, DW_AT_external))
            continue;
        struct type_member member = {
            .name = die_name(&child),
            .type = dwarf_type_behind(provider, &child, 0),
            .bit_offset = base_bits,
        };
        if (!place_member(&child, &member))
            return error_set(err, ERR_TYPE, "the member %.128s is at an impossible place",
                             member.name ? member.name : "without name");
        if (member.name) {
            if (!member_list_append(list, &member, err))
                return false;
        } else if (type_is_aggregate(member.type)) {
            // Anonymous: its members are ours. What has no name otherwise only pads.
            // The type may be the kernel's, or repeated: this one is in the file.
            Dwarf_Die inner;
            if (die_type(&child, &inner) &&
                !collect_members(provider, &inner, member.bit_offset, nesting + 1, list, err))
                return false;
        }
    }
    return true;
}

static int64_t enumerator_value(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    Dwarf_Sword value = 0;
    Dwarf_Word positive = 0;
    if (!libdw->dwarf_attr(die, DW_AT_const_value, &attribute))
        return 0;
    // Forms of a fixed width are used for what is not negative.
    if (attribute.form == DW_FORM_sdata || attribute.form == DW_FORM_implicit_const) {
        libdw->dwarf_formsdata(&attribute, &value);
        return value;
    }
    libdw->dwarf_formudata(&attribute, &positive);
    return (int64_t)positive;
}

bool dwarf_enum_is_signed(Dwarf_Die *die)
{
    Dwarf_Die child;
    for (bool more = die_child(die, &child); more; more = die_sibling(&child, &child)) {
        Dwarf_Attribute attribute;
        Dwarf_Sword value;
        if (libdw->dwarf_attr(&child, DW_AT_const_value, &attribute) &&
            (attribute.form == DW_FORM_sdata || attribute.form == DW_FORM_implicit_const) &&
            libdw->dwarf_formsdata(&attribute, &value) == 0 && value < 0)
            return true;
    }
    return false;
}

static bool collect_enumerators(Dwarf_Die *die, struct type *type, struct error *err)
{
    struct type_enumerator *items = NULL;
    size_t count = 0;
    size_t capacity = 0;
    Dwarf_Die child;
    for (bool more = die_child(die, &child); more && count < MAX_ENUMERATORS;
         more = die_sibling(&child, &child)) {
        const char *name = die_name(&child);
        if (libdw->dwarf_tag(&child) != DW_TAG_enumerator || !name)
            continue;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            struct type_enumerator *grown = reallocarray(items, capacity, sizeof(*items));
            if (!grown) {
                free(items);
                return error_set_no_memory(err);
            }
            items = grown;
        }
        items[count++] = (struct type_enumerator){.name = name, .value = enumerator_value(&child)};
    }
    type->enumerators = items;
    type->count = count;
    type->complete = true;
    return true;
}

static bool collect_parameters(struct dwarf_provider *provider, Dwarf_Die *die, struct type *type,
                               struct error *err)
{
    struct array items = {0};
    bool variadic = false;
    Dwarf_Die child;
    for (bool more = die_child(die, &child); more && items.count < MAX_PARAMETERS;
         more = die_sibling(&child, &child)) {
        int tag = libdw->dwarf_tag(&child);
        variadic |= tag == DW_TAG_unspecified_parameters;
        if (tag == DW_TAG_formal_parameter &&
            !array_append(&items, (uintptr_t)dwarf_type_behind(provider, &child, 0))) {
            array_clear(&items);
            return error_set_no_memory(err);
        }
    }
    type->parameters = (const struct type *const *)(uintptr_t)items.items;
    type->variadic = variadic;
    type->count = items.count;
    type->complete = true;
    return true;
}

bool dwarf_type_complete(struct type_provider *base, struct type *type, struct error *err)
{
    struct dwarf_provider *provider = (struct dwarf_provider *)base;
    Dwarf_Die die = ((struct dwarf_type *)type)->die;
    struct member_list list = {0};
    if (type->kind == TYPE_ENUM)
        return collect_enumerators(&die, type, err);
    if (type->kind == TYPE_FUNCTION)
        return collect_parameters(provider, &die, type, err);
    if (!collect_members(provider, &die, 0, 0, &list, err)) {
        free(list.items);
        return false;
    }
    member_list_finish(&list, type);
    return true;
}
