// SPDX-License-Identifier: GPL-3.0-or-later
// Types from BTF, which the kernel carries in itself: read through libbpf, found by an own index,
// with those of its modules.
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "types/btf.h"
#include "types/btf_image.h"

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
        const char *found = raw ? btf_name(provider, raw->name_off) : NULL;
        if (found && !strcmp(found, name) && fits(raw, space))
            return provider->first + slot;
    }
    return 0;
}

uint32_t btf_find_definition(struct btf_provider *provider, const struct btf_type *forward)
{
    enum type_space space = btf_kflag(forward) ? TYPE_SPACE_UNION : TYPE_SPACE_STRUCT;
    const char *name = btf_name(provider, forward->name_off);
    uint32_t only = 0;
    for (uint32_t slot = name ? names_first(&provider->names, name) : 0; slot;
         slot = names_next(&provider->names, slot)) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, provider->first + slot);
        const char *found = raw ? btf_name(provider, raw->name_off) : NULL;
        if (!found || strcmp(found, name) != 0 || !in_space(raw, space))
            continue;
        if (only)
            return 0;
        only = provider->first + slot;
    }
    return only;
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
    uint32_t id = find_anywhere(btf_provider_of(base), name, in_space, space, &owner);
    return id ? btf_type(owner, id) : NULL;
}

static const struct type *next(struct type_provider *base, enum type_space space, size_t *cursor)
{
    struct btf_provider *provider = btf_provider_of(base);
    while (++*cursor < provider->count) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, (uint32_t)*cursor);
        if (raw && btf_clean_name(provider, raw->name_off) && in_space(raw, space))
            return btf_type(provider, (uint32_t)*cursor);
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
    uint32_t id =
        find_anywhere(btf_provider_of(base), name, is_variable, TYPE_SPACE_ORDINARY, &owner);
    const struct btf_type *raw = id ? btf__type_by_id(owner->btf, id) : NULL;
    return raw ? btf_type(owner, raw->type) : NULL;
}

static bool has_module(struct type_provider *base, const char *name)
{
    struct btf_provider *kernel = btf_provider_of(base);
    modules_open(kernel);
    for (struct btf_provider *module = kernel->modules; module; module = module->next) {
        if (module->module && !strcmp(module->module, name))
            return true;
    }
    return false;
}

// Functions are many and seldom asked for: they are not in the index.
static const struct type *find_own_function(struct btf_provider *provider, const char *name)
{
    for (uint32_t id = provider->first + 1; id < provider->count; id++) {
        const struct btf_type *raw = btf__type_by_id(provider->btf, id);
        const char *found = raw && btf_is_func(raw) ? btf_name(provider, raw->name_off) : NULL;
        const struct type *type =
            found && !strcmp(found, name) ? btf_type(provider, raw->type) : NULL;
        if (type && type->kind == TYPE_FUNCTION)
            return type;
    }
    return NULL;
}

static const struct type *find_function(struct type_provider *base, const char *name)
{
    struct btf_provider *kernel = btf_provider_of(base);
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
        for (unsigned i = 0; i < count; i++, next++) {
            if (items)
                items[next] = btf_enumerator(provider, raw, i);
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
    struct btf_provider *provider = btf_provider_of(base);
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
    struct btf_provider *provider = btf_provider_of(base);
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
    free(provider->module);
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
        const char *name = raw ? btf_name(provider, raw->name_off) : NULL;
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
        .has_module = has_module,
        .target = btf_target,
        .complete = btf_complete,
        .free = provider_free,
    };
    if (!index_names(provider)) {
        provider_free(&provider->base);
        return NULL;
    }
    return provider;
}

// Types come one after another, all of a multiple of 4 bytes. With a header of an odd length, which
// libbpf accepts, they begin where no kernel puts them: such BTF is none.
static struct btf *accept(struct btf *btf)
{
    const struct btf_type *last = btf ? btf__type_by_id(btf, btf__type_cnt(btf) - 1) : NULL;
    if ((uintptr_t)last % _Alignof(struct btf_type) == 0)
        return btf;
    btf__free(btf);
    return NULL;
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
        btf = accept(btf__parse_raw_split(path, kernel));
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
        module->module = strdup(name);
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
    struct btf *btf = bytes ? accept(btf__new(bytes, (uint32_t)size)) : NULL;
    if (bytes && !btf)
        error_set(err, ERR_TYPE, "the BTF in the dump's memory is damaged");
    return btf;
}

struct type_provider *btf_provider_new(const char *namelist, struct error *err)
{
    // libbpf would print to stderr what is in the returned error anyway.
    libbpf_set_print(NULL);
    struct btf *btf = namelist ? accept(btf__parse(namelist, NULL)) : NULL;
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
