// SPDX-License-Identifier: GPL-3.0-or-later
// What a source of type descriptions implements, for this folder.
#ifndef MPYKDUMP_TYPES_PROVIDER_H
#define MPYKDUMP_TYPES_PROVIDER_H

#include "types/type.h"
#include "types/types.h"

struct cdecl;

struct type_provider {
    const char *name;   // "btf"
    const char *origin; // where the data is from, for people
    const struct type *(*find)(struct type_provider *, enum type_space, const char *name);
    // NULL where it knows no variables.
    const struct type *(*find_variable)(struct type_provider *, const char *name);
    // The type of a function. NULL where it does not know them.
    const struct type *(*find_function)(struct type_provider *, const char *name);
    // The type that a declaration stands for; of a provider that can tell without looking up all
    // that it is made of. NULL for the others.
    const struct type *(*declared)(struct type_provider *, const struct cdecl *);
    // The value of an enumerator of any enum. NULL where it does not know them.
    bool (*find_enumerator)(struct type_provider *, const char *name, int64_t *value);
    // The definitions of a space one after another, those of one name too; the cursor begins at 0.
    // NULL at the end; itself NULL where they cannot be listed.
    const struct type *(*next)(struct type_provider *, enum type_space, size_t *cursor);
    // Whether it has the types of a module. NULL where it has those of none.
    bool (*has_module)(struct type_provider *, const char *module);
    const struct type *(*target)(struct type_provider *, const struct type *);
    bool (*complete)(struct type_provider *, struct type *, struct error *);
    // Writes a type as type_format does. NULL where it needs no help, false where it gives none.
    bool (*format)(const struct type *, char *buffer, size_t size);
    void (*free)(struct type_provider *);
};

// The BTF of the namelist, else of the dump's memory. NULL when there is none that is usable.
struct type_provider *btf_provider_new(const char *namelist, struct error *err);

// The DWARF of the namelist, or of any other file. Only ERR_INTERRUPTED is worth another try.
struct type_provider *dwarf_provider_new(const char *namelist, struct error *err);

// The DWARF of a module's file, with the kernel's own types where it has the same. `identity` tells
// the file, which is then not opened before it is needed; NULL: as the file itself has it.
struct dwarf_identity;
struct type_provider *dwarf_module_new(const char *path, const struct dwarf_identity *identity,
                                       struct type_provider *kernel, struct error *err);

// What crash's gdb tells.
struct type_provider *gdb_provider_new(const char *namelist, struct error *err);

// The type of a C expression, by the gdb provider.
const struct type *gdb_provider_expression(struct type_provider *provider, const char *expression,
                                           struct error *err);

// Adds a pointer, or an array of that length, to what is written behind a name.
void type_format_link(char *suffix, size_t size, bool is_pointer, uint64_t length);

// void: what unusable descriptions become.
extern const struct type type_void;

#endif
