// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of the BTF provider, for the two files that it is made of: btf.c finds things,
// btf_types.c turns what was found into the model.
#ifndef MPYKDUMP_TYPES_BTF_H
#define MPYKDUMP_TYPES_BTF_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/names.h"
#include "types/provider.h"

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
    char *module; // its name
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

static inline struct btf_provider *btf_provider_of(struct type_provider *base)
{
    return (struct btf_provider *)base;
}

// The name at an offset, NULL if there is none.
const char *btf_name(struct btf_provider *provider, uint32_t offset);

// The same for what is shown: a name that no compiler writes is none.
const char *btf_clean_name(struct btf_provider *provider, uint32_t offset);

// The type of an id, without its pointer target or members. Never NULL: what is unusable is void.
const struct type *btf_type(struct btf_provider *provider, uint32_t id);

bool btf_enum_is_signed(const struct btf_provider *provider, const struct btf_type *raw);

struct type_enumerator btf_enumerator(struct btf_provider *provider, const struct btf_type *raw,
                                      unsigned index);

// Operations of the provider.
const struct type *btf_target(struct type_provider *base, const struct type *type);
bool btf_complete(struct type_provider *base, struct type *type, struct error *err);

// The definition of a struct or union of which this is a forward declaration, if there is just one
// of that name in the kernel; 0 if not.
uint32_t btf_find_definition(struct btf_provider *provider, const struct btf_type *forward);

#endif
