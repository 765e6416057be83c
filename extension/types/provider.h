// SPDX-License-Identifier: GPL-3.0-or-later
// What a source of type descriptions implements, for this folder.
#ifndef MPYKDUMP_TYPES_PROVIDER_H
#define MPYKDUMP_TYPES_PROVIDER_H

#include "types/type.h"
#include "types/types.h"

struct type_provider {
    const char *name;   // "btf"
    const char *origin; // where the data is from, for people
    const struct type *(*find)(struct type_provider *, enum type_space, const char *name);
    // NULL where it knows no variables.
    const struct type *(*find_variable)(struct type_provider *, const char *name);
    // The value of an enumerator of any enum. NULL where it does not know them.
    bool (*find_enumerator)(struct type_provider *, const char *name, int64_t *value);
    // The definitions of a space one after another, those of one name too; the cursor begins at 0.
    // NULL at the end.
    const struct type *(*next)(struct type_provider *, enum type_space, size_t *cursor);
    const struct type *(*target)(struct type_provider *, const struct type *);
    bool (*complete)(struct type_provider *, struct type *, struct error *);
    void (*free)(struct type_provider *);
};

// The BTF of the namelist, else of the dump's memory. NULL when there is none that is usable.
struct type_provider *btf_provider_new(const char *namelist, struct error *err);

// The DWARF of a file: the namelist, or a module's .ko. Only ERR_INTERRUPTED is worth another try.
struct type_provider *dwarf_provider_new(const char *namelist, struct error *err);

// void: what unusable descriptions become.
extern const struct type type_void;

#endif
