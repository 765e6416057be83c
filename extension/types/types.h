// SPDX-License-Identifier: GPL-3.0-or-later
// The registry of types: from a name as written in C to its description.
#ifndef MPYKDUMP_TYPES_TYPES_H
#define MPYKDUMP_TYPES_TYPES_H

#include "base/error.h"
#include "types/type.h"

// What kinds of names there are: C has one name space for tags and one for the rest.
enum type_space { TYPE_SPACE_STRUCT, TYPE_SPACE_UNION, TYPE_SPACE_ENUM, TYPE_SPACE_ORDINARY };

// The type that a C type name such as "struct page", "u64", "unsigned long", "enum x",
// "struct list_head **" or "char *[16]" means. NULL with ERR_TYPE when there is none. A miss costs
// as little as a hit. Of several definitions of a name the first is meant; "struct irq_info#1" is
// the second of them.
const struct type *types_find(const char *name, struct error *err);

// The type of a global or static variable, NULL if unknown: then err is ERR_NONE, or
// ERR_INTERRUPTED when finding out was given up.
const struct type *types_find_variable(const char *name, struct error *err);

// The type of a function of the kernel. NULL with ERR_NONE if it is unknown.
const struct type *types_find_function(const char *name, struct error *err);

// The type of any C expression, which only gdb can tell.
const struct type *types_find_expression(const char *text, struct error *err);

// The type that a declaration stands for.
struct cdecl;
const struct type *types_declared(const struct cdecl *decl, struct error *err);

// The definitions of a space one after another, all of one name too. The cursor begins at 0. NULL
// with ERR_NONE at the end, and with ERR_TYPE where they cannot be listed.
const struct type *types_next(enum type_space space, size_t *cursor, struct error *err);

// The value of an enumerator, whatever its enum. False when there is none of that name.
bool types_find_enumerator(const char *name, int64_t *value);

// A pointer to a type.
const struct type *types_pointer_to(const struct type *target, struct error *err);

// Limits the sources of types to one of "btf", "dwarf", "gdb"; "auto", "" or NULL: all of them.
// Forgets all types made so far. ERR_VALUE for another name.
bool types_choose(const char *source, struct error *err);

enum module_file_kind {
    MODULE_FILE_FITS,     // the module's, with debug information
    MODULE_FILE_STRIPPED, // the module's, as far as it tells, without debug information
    MODULE_FILE_FOREIGN,  // of another module or build, or for another kernel
    MODULE_FILE_UNUSABLE, // not to be read, or no ELF file of a module
};

// What a file is to a module of the dump; unless it fits, err has one line that says why not. With
// NULL as path that of the file that is used, or of the best there is, which the caller frees; it
// stays NULL when there is none.
enum module_file_kind types_module_file(const char *module, char **path, struct error *err);

// Where types come from, in words; NULL when there are none.
const char *types_provider(void);

// Forgets everything.
void types_reset(void);

#endif
