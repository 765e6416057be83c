// SPDX-License-Identifier: GPL-3.0-or-later
// Types from BTF, which the kernel carries in itself: read through libbpf, found by an own index.
//
// The file or the dump may be damaged or made to hurt: ids, names, sizes and nesting are checked
// here, whatever libbpf has checked already.
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "types/btf_image.h"
#include "types/provider.h"

enum {
    MAX_NESTING = 32,      // of anonymous structs, arrays, typedefs
    MAX_MEMBERS = 1 << 16, // of one struct, flattened
};

struct btf_provider {
    struct type_provider base;
    struct btf *btf;
    // Of a module: the kernel's, which has the types of the ids up to `first`.
    struct btf_provider *kernel;
    uint32_t first;
    struct type **types; // by id - first, made on demand
    uint32_t count;      // ids are below it
    // Of the kernel: one for each module, opened when something is not the kernel's own.
    struct btf_provider *modules;
    struct btf_provider *next;
    bool has_modules;
    bool has_signed_enums;
    struct names names;
    struct enumerators {
        bool built;
        struct type_enumerator *items; // [0] is not used
        uint32_t count;
        struct names names;
    } enumerators; // of all enums, made when first asked for
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
    if (*known)
        return *known;
    const struct btf_type *raw = btf__type_by_id(provider->btf, id);
    struct type *type = raw ? calloc(1, sizeof(*type)) : NULL;
    if (!type)
        return &type_void;
    type->provider = &provider->base;
    type->id = id;
    fill(provider, type, raw, nesting);
    // A type that contains itself (no valid one does) was made further down already.
    // cppcheck-suppress identicalInnerCondition
    if (*known)
        free(type);
    else
        *known = type;
    return *known;
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

static struct type_enumerator enumerator_at(struct btf_provider *provider,
                                            const struct btf_type *raw, unsigned index,
                                            bool is_signed)
{
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
    item.name = clean_name_of(provider, name);
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
        items[i] = enumerator_at(provider, raw, i, type->is_signed);
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

static bool complete(struct type_provider *base, struct type *type, struct error *err)
{
    struct btf_provider *provider = provider_of(base);
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
    for (uint32_t slot = names_first(&provider->names, name); slot;
         slot = names_next(&provider->names, slot)) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, provider->first + slot);
        const char *found = raw ? name_of(provider, raw->name_off) : NULL;
        if (found && !strcmp(found, name) && fits(raw, space))
            return provider->first + slot;
    }
    return 0;
}

static void modules_open(struct btf_provider *kernel);

// Looks in the kernel's types, then in those of its modules; `owner` is where the id is from.
static uint32_t find_anywhere(struct btf_provider *kernel, const char *name,
                              bool (*fits)(const struct btf_type *, enum type_space),
                              enum type_space space, struct btf_provider **owner)
{
    *owner = kernel;
    uint32_t id = find_id(kernel, name, fits, space);
    if (id)
        return id;
    modules_open(kernel);
    for (*owner = kernel->modules; *owner; *owner = (*owner)->next) {
        id = find_id(*owner, name, fits, space);
        if (id)
            return id;
    }
    return 0;
}

static const struct type *find(struct type_provider *base, enum type_space space, const char *name)
{
    struct btf_provider *owner;
    uint32_t id = find_anywhere(provider_of(base), name, in_space, space, &owner);
    return id ? type_of(owner, id, 0) : NULL;
}

static const struct type *next(struct type_provider *base, enum type_space space, size_t *cursor)
{
    struct btf_provider *provider = provider_of(base);
    while (++*cursor < provider->count) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, (uint32_t)*cursor);
        if (raw && clean_name_of(provider, raw->name_off) && in_space(raw, space))
            return type_of(provider, (uint32_t)*cursor, 0);
    }
    return NULL;
}

static bool is_variable(const struct btf_type *raw, enum type_space space)
{
    (void)space;
    return btf_is_var(raw);
}

static const struct type *find_variable(struct type_provider *base, const char *name)
{
    struct btf_provider *owner;
    uint32_t id = find_anywhere(provider_of(base), name, is_variable, TYPE_SPACE_ORDINARY, &owner);
    const struct btf_type *raw = id ? btf__type_by_id(owner->btf, id) : NULL;
    return raw ? type_of(owner, raw->type, 0) : NULL;
}

// Functions are many and seldom asked for: they are not in the index.
static const struct type *find_own_function(struct btf_provider *provider, const char *name)
{
    for (uint32_t id = provider->first + 1; id < provider->count; id++) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, id);
        const char *found = raw && btf_is_func(raw) ? name_of(provider, raw->name_off) : NULL;
        const struct type *type =
            found && !strcmp(found, name) ? type_of(provider, raw->type, 0) : NULL;
        if (type && type->kind == TYPE_FUNCTION)
            return type;
    }
    return NULL;
}

static const struct type *find_function(struct type_provider *base, const char *name)
{
    struct btf_provider *kernel = provider_of(base);
    const struct type *type = find_own_function(kernel, name);
    modules_open(kernel);
    for (struct btf_provider *module = kernel->modules; !type && module; module = module->next)
        type = find_own_function(module, name);
    return type;
}

// One pass counts, or fills.
static uint32_t enumerators_visit(struct btf_provider *provider, struct type_enumerator *items)
{
    uint32_t next = 1;
    for (uint32_t id = 1; id < provider->count; id++) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, id);
        unsigned count = raw && btf_is_any_enum(raw) ? btf_vlen(raw) : 0;
        bool is_signed = items && count && enum_is_signed(provider, raw);
        for (unsigned i = 0; i < count; i++, next++) {
            if (items)
                items[next] = enumerator_at(provider, raw, i, is_signed);
        }
    }
    return next;
}

static bool enumerators_build(struct btf_provider *provider)
{
    struct enumerators *all = &provider->enumerators;
    if (all->built)
        return all->items;
    all->built = true;
    all->count = enumerators_visit(provider, NULL);
    all->items = calloc(all->count, sizeof(*all->items));
    if (!all->items || !names_init(&all->names, all->count)) {
        free(all->items);
        all->items = NULL;
        return false;
    }
    enumerators_visit(provider, all->items);
    for (uint32_t id = all->count - 1; id; id--)
        names_add(&all->names, all->items[id].name, id);
    return true;
}

static bool find_enumerator(struct type_provider *base, const char *name, int64_t *value)
{
    struct btf_provider *provider = provider_of(base);
    struct enumerators *all = &provider->enumerators;
    if (!enumerators_build(provider))
        return false;
    for (uint32_t id = names_first(&all->names, name); id; id = names_next(&all->names, id)) {
        if (!strcmp(all->items[id].name, name)) {
            *value = all->items[id].value;
            return true;
        }
    }
    return false;
}

static void type_free(struct type *type)
{
    if (!type)
        return;
    free((void *)type->members);
    free((void *)type->enumerators);
    free((void *)type->parameters);
    free(type);
}

static void provider_free(struct type_provider *base)
{
    struct btf_provider *provider = provider_of(base);
    while (provider->modules) {
        struct btf_provider *module = provider->modules;
        provider->modules = module->next;
        provider_free(&module->base);
    }
    for (uint32_t i = 0; provider->types && i < provider->count - provider->first; i++)
        type_free(provider->types[i]);
    free(provider->types);
    names_free(&provider->names);
    names_free(&provider->enumerators.names);
    free(provider->enumerators.items);
    btf__free(provider->btf);
    free(provider);
}

static bool index_names(struct btf_provider *provider)
{
    provider->count = btf__type_cnt(provider->btf);
    provider->first = provider->kernel ? provider->kernel->count - 1 : 0;
    uint32_t own = provider->count - provider->first;
    provider->has_signed_enums = provider->kernel && provider->kernel->has_signed_enums;
    provider->types = calloc(own, sizeof(*provider->types));
    if (!provider->types || !names_init(&provider->names, own))
        return false;
    for (uint32_t slot = own - 1; slot; slot--) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, provider->first + slot);
        const char *name = raw ? name_of(provider, raw->name_off) : NULL;
        if (raw && btf_is_any_enum(raw) && btf_kflag(raw))
            provider->has_signed_enums = true;
        if (name && !btf_is_func(raw))
            names_add(&provider->names, name, slot);
    }
    return true;
}

// A provider of what is in `btf`, which it takes over. NULL when memory is exhausted.
static struct btf_provider *provider_new(struct btf *btf, struct btf_provider *kernel,
                                         const char *origin)
{
    struct btf_provider *provider = calloc(1, sizeof(*provider));
    if (!provider) {
        btf__free(btf);
        return NULL;
    }
    provider->btf = btf;
    provider->kernel = kernel;
    provider->base = (struct type_provider){
        .name = "btf",
        .origin = origin,
        .find = find,
        .find_variable = find_variable,
        .find_function = find_function,
        .find_enumerator = find_enumerator,
        .next = next,
        .target = target,
        .complete = complete,
        .free = provider_free,
    };
    if (!index_names(provider)) {
        provider_free(&provider->base);
        return NULL;
    }
    return provider;
}

// btf__new_split is declared but not exported by libbpf 1.1, whose way to split BTF leads through a
// file: one in memory.
static struct btf *split_btf(const void *bytes, size_t size, struct btf *kernel)
{
    char path[64];
    int fd = memfd_create("mpykdump-btf", MFD_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct btf *btf = NULL;
    if (write(fd, bytes, size) == (ssize_t)size) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        btf = btf__parse_raw_split(path, kernel);
    }
    close(fd);
    return btf;
}

static void module_add(const char *name, const void *bytes, size_t size, void *context)
{
    struct btf_provider *kernel = context;
    // The kernel's own is on the list too.
    if (!strcmp(name, "vmlinux"))
        return;
    struct btf *btf = split_btf(bytes, size, kernel->btf);
    struct btf_provider *module = btf ? provider_new(btf, kernel, "BTF of a module") : NULL;
    if (module) {
        module->next = kernel->modules;
        kernel->modules = module;
    }
}

static void modules_open(struct btf_provider *kernel)
{
    if (kernel->has_modules)
        return;
    // First, since finding them asks for types, and must not come here again.
    kernel->has_modules = true;
    btf_image_modules(&kernel->base, module_add, kernel);
}

static struct btf *btf_from_image(struct error *err)
{
    size_t size;
    void *bytes AUTO_FREE = btf_image_kernel(&size, err);
    struct btf *btf = bytes ? btf__new(bytes, (uint32_t)size) : NULL;
    if (bytes && !btf)
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
        btf = btf_from_image(err);
    if (!btf)
        return NULL;
    struct btf_provider *provider = provider_new(btf, NULL, origin);
    if (!provider) {
        error_set_no_memory(err);
        return NULL;
    }
    return &provider->base;
}
