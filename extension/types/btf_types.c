// SPDX-License-Identifier: GPL-3.0-or-later
// From the records of BTF to the model of types.
//
// The file or the dump may be damaged or made to hurt: ids, names, sizes and nesting are checked
// here, whatever libbpf has checked already.
#include <bpf/btf.h>
#include <stdlib.h>

#include "types/btf.h"
#include "types/members.h"
#include "types/provider.h"

enum { MAX_NESTING = 32 }; // of anonymous structs, arrays, typedefs

const char *btf_name(struct btf_provider *provider, uint32_t offset)
{
    const char *name = btf__name_by_offset(provider->btf, offset);
    return name && *name ? name : NULL;
}

const char *btf_clean_name(struct btf_provider *provider, uint32_t offset)
{
    const char *name = btf_name(provider, offset);
    for (const char *c = name; c && *c; c++) {
        if (*c < ' ' || *c > '~')
            return NULL;
    }
    return name;
}

// Skips const, volatile, restrict and tags.
static uint32_t skip_qualifiers(struct btf_provider *provider, uint32_t id)
{
    for (int i = 0; i < MAX_NESTING; i++) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, id);
        if (!raw || (!btf_is_mod(raw) && !btf_is_type_tag(raw)))
            return id;
        id = raw->type;
    }
    return 0;
}

static const struct type *type_of(struct btf_provider *provider, uint32_t id, int nesting);

static void fill_int(struct type *type, const struct btf_type *raw)
{
    uint8_t encoding = btf_int_encoding(raw);
    type->kind = encoding & BTF_INT_BOOL ? TYPE_BOOL : TYPE_INT;
    type->is_signed = encoding & BTF_INT_SIGNED;
    type->size = raw->size;
    type->complete = true;
}

static void fill_array(struct btf_provider *provider, struct type *type, const struct btf_type *raw,
                       int nesting)
{
    const struct btf_array *array = btf_array(raw);
    type->kind = TYPE_ARRAY;
    type->length = array->nelems;
    type->target = type_of(provider, array->type, nesting + 1);
    type->complete = true;
    if (__builtin_mul_overflow(type->length, type->target->size, &type->size))
        type->size = 0;
}

// Enums got a flag for their sign with Linux 6.0; a BTF without any such flag may be older.
bool btf_enum_is_signed(const struct btf_provider *provider, const struct btf_type *raw)
{
    if (btf_kflag(raw) || provider->has_signed_enums || !btf_is_enum(raw))
        return btf_kflag(raw);
    for (unsigned i = 0; i < btf_vlen(raw); i++) {
        if (btf_enum(raw)[i].val < 0)
            return true;
    }
    return false;
}

static void fill(struct btf_provider *provider, struct type *type, const struct btf_type *raw,
                 int nesting)
{
    type->name = btf_clean_name(provider, raw->name_off);
    switch (btf_kind(raw)) {
    case BTF_KIND_INT:
        fill_int(type, raw);
        break;
    case BTF_KIND_FLOAT:
        type->kind = TYPE_FLOAT;
        type->size = raw->size;
        type->complete = true;
        break;
    case BTF_KIND_PTR:
        type->kind = TYPE_POINTER;
        type->size = sizeof(uint64_t);
        type->complete = true;
        break;
    case BTF_KIND_ARRAY:
        fill_array(provider, type, raw, nesting);
        break;
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
        type->kind = btf_is_struct(raw) ? TYPE_STRUCT : TYPE_UNION;
        type->size = raw->size;
        break;
    case BTF_KIND_FWD:
        type->kind = btf_kflag(raw) ? TYPE_UNION : TYPE_STRUCT;
        type->complete = true;
        break;
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64:
        type->kind = TYPE_ENUM;
        type->size = raw->size;
        type->is_signed = btf_enum_is_signed(provider, raw);
        break;
    case BTF_KIND_TYPEDEF:
        type->kind = TYPE_TYPEDEF;
        type->target = type_of(provider, raw->type, nesting + 1);
        type->size = type->target->size;
        type->complete = true;
        break;
    case BTF_KIND_FUNC_PROTO:
        type->kind = TYPE_FUNCTION;
        break;
    default:
        type->kind = TYPE_VOID;
        type->complete = true;
        break;
    }
}

// The type of an id, without its pointer target or members. Never NULL: what is unusable is void.
static const struct type *type_of(struct btf_provider *provider, uint32_t id, int nesting)
{
    id = skip_qualifiers(provider, id);
    if (!id || id >= provider->count || nesting > MAX_NESTING)
        return &type_void;
    if (provider->kernel && id <= provider->first)
        provider = provider->kernel;
    struct type **known = &provider->types[id - provider->first];
    if (*known) {
        // cppcheck-suppress identicalInnerCondition
        return *known;
    }
    const struct btf_type *raw = btf__type_by_id(provider->btf, id);
    uint32_t definition = raw && btf_is_fwd(raw) ? btf_find_definition(provider, raw) : 0;
    if (definition)
        return type_of(provider, definition, nesting + 1);
    struct type *type = raw ? calloc(1, sizeof(*type)) : NULL;
    if (!type)
        return &type_void;
    type->provider = &provider->base;
    type->id = id;
    fill(provider, type, raw, nesting);
    // A type that contains itself (no valid one does) was made further down already.
    if (*known)
        free(type);
    else
        *known = type;
    return *known;
}

const struct type *btf_type(struct btf_provider *provider, uint32_t id)
{
    return type_of(provider, id, 0);
}

const struct type *btf_target(struct type_provider *base, const struct type *type)
{
    struct btf_provider *provider = btf_provider_of(base);
    const struct btf_type *raw = btf__type_by_id(provider->btf, type->id);
    return raw ? type_of(provider, raw->type, 0) : NULL;
}

// A bit field's size. Before kind_flag it hid in the integer type, as does its offset.
static uint32_t bit_size_of(struct btf_provider *provider, const struct btf_type *raw,
                            unsigned index, uint64_t *bit_offset)
{
    uint32_t size = btf_member_bitfield_size(raw, index);
    if (size || btf_kflag(raw))
        return size;
    uint32_t id = skip_qualifiers(provider, btf_members(raw)[index].type);
    const struct btf_type *type = btf__type_by_id(provider->btf, id);
    if (!type || !btf_is_int(type) || btf_int_bits(type) == type->size * 8)
        return 0;
    *bit_offset += btf_int_offset(type);
    return btf_int_bits(type);
}

static bool collect_members(struct btf_provider *provider, const struct btf_type *raw,
                            uint64_t base_bits, int nesting, struct member_list *list,
                            struct error *err)
{
    if (nesting > MAX_NESTING)
        return error_set(err, ERR_TYPE, "structs nested more than %d deep", MAX_NESTING);
    for (unsigned i = 0; i < btf_vlen(raw); i++) {
        const struct btf_member *entry = &btf_members(raw)[i];
        if (!member_list_visit(list, err))
            return false;
        struct type_member member = {
            .name = btf_clean_name(provider, entry->name_off),
            .bit_offset = base_bits + btf_member_bit_offset(raw, i),
        };
        uint32_t id = skip_qualifiers(provider, entry->type);
        const struct btf_type *inner = btf__type_by_id(provider->btf, id);
        if (!member.name) {
            // Anonymous: a struct whose members are ours, or a bit field that only pads.
            if (inner && btf_is_composite(inner) &&
                !collect_members(provider, inner, member.bit_offset, nesting + 1, list, err))
                return false;
            continue;
        }
        member.bit_size = bit_size_of(provider, raw, i, &member.bit_offset);
        member.type = type_of(provider, id, 0);
        if (!member_list_append(list, &member, err))
            return false;
    }
    return true;
}

struct type_enumerator btf_enumerator(struct btf_provider *provider, const struct btf_type *raw,
                                      unsigned index)
{
    bool is_signed = btf_enum_is_signed(provider, raw);
    struct type_enumerator item;
    uint32_t name;
    if (btf_is_enum64(raw)) {
        name = btf_enum64(raw)[index].name_off;
        item.value = (int64_t)btf_enum64_value(&btf_enum64(raw)[index]);
    } else {
        int32_t value = btf_enum(raw)[index].val;
        name = btf_enum(raw)[index].name_off;
        item.value = is_signed ? value : (int64_t)(uint32_t)value;
    }
    item.name = btf_clean_name(provider, name);
    if (!item.name)
        item.name = "";
    return item;
}

static bool collect_enumerators(struct btf_provider *provider, const struct btf_type *raw,
                                struct type *type, struct error *err)
{
    unsigned count = btf_vlen(raw);
    struct type_enumerator *items = calloc(count ? count : 1, sizeof(*items));
    if (!items)
        return error_set_no_memory(err);
    for (unsigned i = 0; i < count; i++)
        items[i] = btf_enumerator(provider, raw, i);
    type->enumerators = items;
    type->count = count;
    return true;
}

static bool collect_parameters(struct btf_provider *provider, const struct btf_type *raw,
                               struct type *type, struct error *err)
{
    unsigned count = btf_vlen(raw);
    const struct type **items = calloc(count ? count : 1, sizeof(*items));
    if (!items)
        return error_set_no_memory(err);
    // "..." is a last one without type.
    type->variadic = count && !btf_params(raw)[count - 1].type;
    type->count = count - type->variadic;
    for (unsigned i = 0; i < type->count; i++)
        items[i] = type_of(provider, btf_params(raw)[i].type, 0);
    type->parameters = items;
    return true;
}

bool btf_complete(struct type_provider *base, struct type *type, struct error *err)
{
    struct btf_provider *provider = btf_provider_of(base);
    const struct btf_type *raw = btf__type_by_id(provider->btf, type->id);
    if (type->kind == TYPE_ENUM) {
        if (!collect_enumerators(provider, raw, type, err))
            return false;
    } else if (type->kind == TYPE_FUNCTION) {
        if (!collect_parameters(provider, raw, type, err))
            return false;
    } else {
        struct member_list list = {0};
        if (!collect_members(provider, raw, 0, 0, &list, err)) {
            free(list.items);
            return false;
        }
        member_list_finish(&list, type);
    }
    type->complete = true;
    return true;
}
