// SPDX-License-Identifier: GPL-3.0-or-later
// Types from BTF, which the kernel carries in itself: read through libbpf, found by an own index.
//
// The file or the dump may be damaged or made to hurt: ids, names, sizes and nesting are checked
// here, whatever libbpf has checked already.
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "host/host.h"
#include "types/provider.h"

enum {
    MAX_NESTING = 32,            // of anonymous structs, arrays, typedefs
    MAX_MEMBERS = 1 << 16,       // of one struct, flattened
    MAX_MEMORY_SIZE = 256 << 20, // of BTF in the dump
};

struct btf_provider {
    struct type_provider base;
    struct btf *btf;
    struct type **types; // by id, made on demand
    uint32_t count;
    bool has_signed_enums;
    struct names names;
};

static struct btf_provider *provider_of(struct type_provider *base)
{
    return (struct btf_provider *)base;
}

static const char *name_of(struct btf_provider *provider, uint32_t offset)
{
    const char *name = btf__name_by_offset(provider->btf, offset);
    return name && *name ? name : NULL;
}

// The same for what is shown: a name that no compiler writes is none.
static const char *clean_name_of(struct btf_provider *provider, uint32_t offset)
{
    const char *name = name_of(provider, offset);
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
static bool enum_is_signed(const struct btf_provider *provider, const struct btf_type *raw)
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
    type->name = clean_name_of(provider, raw->name_off);
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
        type->is_signed = enum_is_signed(provider, raw);
        break;
    case BTF_KIND_TYPEDEF:
        type->kind = TYPE_TYPEDEF;
        type->target = type_of(provider, raw->type, nesting + 1);
        type->size = type->target->size;
        type->complete = true;
        break;
    case BTF_KIND_FUNC_PROTO:
        type->kind = TYPE_FUNCTION;
        type->complete = true;
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
    if (provider->types[id])
        return provider->types[id];
    const struct btf_type *raw = btf__type_by_id(provider->btf, id);
    struct type *type = raw ? calloc(1, sizeof(*type)) : NULL;
    if (!type)
        return &type_void;
    type->provider = &provider->base;
    type->id = id;
    fill(provider, type, raw, nesting);
    // A type that contains itself (no valid one does) was made further down already.
    if (provider->types[id])
        free(type);
    else
        provider->types[id] = type;
    return provider->types[id];
}

static const struct type *target(struct type_provider *base, const struct type *type)
{
    struct btf_provider *provider = provider_of(base);
    const struct btf_type *raw = btf__type_by_id(provider->btf, type->id);
    return raw ? type_of(provider, raw->type, 0) : NULL;
}

struct member_list {
    struct type_member *items;
    size_t count;
    size_t capacity;
    size_t seen; // the anonymous ones too
};

static bool member_append(struct member_list *list, const struct type_member *member,
                          struct error *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        struct type_member *items = reallocarray(list->items, capacity, sizeof(*items));
        if (!items)
            return error_set_no_memory(err);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *member;
    return true;
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
        if (++list->seen > MAX_MEMBERS)
            return error_set(err, ERR_TYPE, "a struct of more than %d members", MAX_MEMBERS);
        struct type_member member = {
            .name = clean_name_of(provider, entry->name_off),
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
        if (!member_append(list, &member, err))
            return false;
    }
    return true;
}

static bool collect_enumerators(struct btf_provider *provider, const struct btf_type *raw,
                                struct type *type, struct error *err)
{
    unsigned count = btf_vlen(raw);
    struct type_enumerator *items = calloc(count ? count : 1, sizeof(*items));
    if (!items)
        return error_set_no_memory(err);
    for (unsigned i = 0; i < count; i++) {
        uint32_t name;
        if (btf_is_enum64(raw)) {
            name = btf_enum64(raw)[i].name_off;
            items[i].value = (int64_t)btf_enum64_value(&btf_enum64(raw)[i]);
        } else {
            name = btf_enum(raw)[i].name_off;
            int32_t value = btf_enum(raw)[i].val;
            items[i].value = type->is_signed ? value : (int64_t)(uint32_t)value;
        }
        items[i].name = clean_name_of(provider, name);
        if (!items[i].name)
            items[i].name = "";
    }
    type->enumerators = items;
    type->count = count;
    return true;
}

static bool complete(struct type_provider *base, struct type *type, struct error *err)
{
    struct btf_provider *provider = provider_of(base);
    const struct btf_type *raw = btf__type_by_id(provider->btf, type->id);
    if (type->kind == TYPE_ENUM) {
        if (!collect_enumerators(provider, raw, type, err))
            return false;
    } else {
        struct member_list list = {0};
        if (!collect_members(provider, raw, 0, 0, &list, err)) {
            free(list.items);
            return false;
        }
        type->members = list.items;
        type->count = list.count;
    }
    type->complete = true;
    return true;
}

static bool in_space(const struct btf_type *raw, enum type_space space)
{
    switch (space) {
    case TYPE_SPACE_STRUCT:
        return btf_is_struct(raw);
    case TYPE_SPACE_UNION:
        return btf_is_union(raw);
    case TYPE_SPACE_ENUM:
        return btf_is_any_enum(raw);
    case TYPE_SPACE_ORDINARY:
        return btf_is_typedef(raw) || btf_is_int(raw) || btf_is_float(raw);
    }
    return false;
}

// The first id of that name for which `fits` holds.
static uint32_t find_id(struct btf_provider *provider, const char *name,
                        bool (*fits)(const struct btf_type *, enum type_space),
                        enum type_space space)
{
    for (uint32_t id = names_first(&provider->names, name); id;
         id = names_next(&provider->names, id)) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, id);
        const char *found = raw ? name_of(provider, raw->name_off) : NULL;
        if (found && !strcmp(found, name) && fits(raw, space))
            return id;
    }
    return 0;
}

static const struct type *find(struct type_provider *base, enum type_space space, const char *name)
{
    struct btf_provider *provider = provider_of(base);
    uint32_t id = find_id(provider, name, in_space, space);
    return id ? type_of(provider, id, 0) : NULL;
}

static bool is_variable(const struct btf_type *raw, enum type_space space)
{
    (void)space;
    return btf_is_var(raw);
}

static const struct type *find_variable(struct type_provider *base, const char *name)
{
    struct btf_provider *provider = provider_of(base);
    uint32_t id = find_id(provider, name, is_variable, TYPE_SPACE_ORDINARY);
    const struct btf_type *raw = id ? btf__type_by_id(provider->btf, id) : NULL;
    return raw ? type_of(provider, raw->type, 0) : NULL;
}

static void type_free(struct type *type)
{
    if (!type)
        return;
    free((void *)type->members);
    free((void *)type->enumerators);
    free(type);
}

static void provider_free(struct type_provider *base)
{
    struct btf_provider *provider = provider_of(base);
    for (uint32_t id = 0; provider->types && id < provider->count; id++)
        type_free(provider->types[id]);
    free(provider->types);
    names_free(&provider->names);
    btf__free(provider->btf);
    free(provider);
}

static bool index_names(struct btf_provider *provider)
{
    provider->count = btf__type_cnt(provider->btf);
    provider->types = calloc(provider->count, sizeof(*provider->types));
    if (!provider->types || !names_init(&provider->names, provider->count))
        return false;
    for (uint32_t id = provider->count - 1; id; id--) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, id);
        const char *name = raw ? name_of(provider, raw->name_off) : NULL;
        if (raw && btf_is_any_enum(raw) && btf_kflag(raw))
            provider->has_signed_enums = true;
        if (name && !btf_is_func(raw))
            names_add(&provider->names, name, id);
    }
    return true;
}

// Between the symbols __start_BTF and __stop_BTF, in the kernel's read-only data.
static struct btf *btf_from_memory(struct error *err)
{
    struct host_symbol start;
    struct host_symbol stop;
    if (!host_symbol_find("__start_BTF", &start) || !host_symbol_find("__stop_BTF", &stop)) {
        error_set(err, ERR_TYPE, "the kernel has no BTF: neither the namelist nor the dump has it");
        return NULL;
    }
    if (stop.address <= start.address || stop.address - start.address > MAX_MEMORY_SIZE) {
        error_set(err, ERR_TYPE, "the kernel's BTF has an impossible size");
        return NULL;
    }
    size_t size = stop.address - start.address;
    void *bytes AUTO_FREE = malloc(size);
    if (!bytes) {
        error_set_no_memory(err);
        return NULL;
    }
    if (!host_read(HOST_KERNEL, start.address, bytes, size, err))
        return NULL;
    struct btf *btf = btf__new(bytes, (uint32_t)size);
    if (!btf)
        error_set(err, ERR_TYPE, "the BTF in the dump's memory is damaged");
    return btf;
}

struct type_provider *btf_provider_new(const char *namelist, struct error *err)
{
    // libbpf would print to stderr what is in the returned error anyway.
    libbpf_set_print(NULL);
    struct btf *btf = namelist ? btf__parse(namelist, NULL) : NULL;
    const char *origin = btf ? "BTF of the namelist" : "BTF of the dump";
    if (!btf)
        btf = btf_from_memory(err);
    if (!btf)
        return NULL;
    struct btf_provider *provider = calloc(1, sizeof(*provider));
    if (!provider) {
        btf__free(btf);
        error_set_no_memory(err);
        return NULL;
    }
    provider->btf = btf;
    provider->base = (struct type_provider){
        .name = "btf",
        .origin = origin,
        .find = find,
        .find_variable = find_variable,
        .target = target,
        .complete = complete,
        .free = provider_free,
    };
    if (!index_names(provider)) {
        provider_free(&provider->base);
        error_set_no_memory(err);
        return NULL;
    }
    return &provider->base;
}
