// SPDX-License-Identifier: GPL-3.0-or-later
// What a source of type descriptions implements, for this folder.
#ifndef MPYKDUMP_TYPES_PROVIDER_H
#define MPYKDUMP_TYPES_PROVIDER_H

#include "types/type.h"

// What kinds of names a look-up is about: C has one name space for tags and one for the rest.
enum type_space { TYPE_SPACE_STRUCT, TYPE_SPACE_UNION, TYPE_SPACE_ENUM, TYPE_SPACE_ORDINARY };

struct type_provider {
    const char *name;   // "btf"
    const char *origin; // where the data is from, for people
    const struct type *(*find)(struct type_provider *, enum type_space, const char *name);
    // NULL where it knows no variables.
    const struct type *(*find_variable)(struct type_provider *, const char *name);
    const struct type *(*target)(struct type_provider *, const struct type *);
    bool (*complete)(struct type_provider *, struct type *, struct error *);
    void (*free)(struct type_provider *);
};

// The BTF of the namelist, else of the dump's memory. NULL when there is none that is usable.
struct type_provider *btf_provider_new(const char *namelist, struct error *err);

// void: what unusable descriptions become.
extern const struct type type_void;

#endif
