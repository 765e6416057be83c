// SPDX-License-Identifier: GPL-3.0-or-later
// The gdb provider, between its own files.
#ifndef MPYKDUMP_TYPES_GDB_H
#define MPYKDUMP_TYPES_GDB_H

#include "base/array.h"
#include "base/map.h"
#include "types/cdecl.h"
#include "types/provider.h"

// A type, and what gdb is to be asked to learn more of it. Answers are kept, negative ones too.
struct gdb_type {
    struct type type;
    char *spelling; // as cdecl_format writes it, by which it is found again; NULL if it has none
    char *query;    // of what has no name: an expression of that type
    bool known;     // whether it exists, and its size
    bool missing;   // known not to exist, or only to be declared
    struct gdb_type *same_hash;
    struct gdb_type *next; // of all made
};

struct gdb_provider {
    struct type_provider base;
    struct map types; // hash of a spelling -> the first gdb_type
    struct gdb_type *made;
    struct array names; // of members and enumerators
    int nesting;        // of gdb_build
};

enum { GDB_UNKNOWN_SIZE = -1 };

// What gdb prints for a line, without "type = ". NULL when it knows no answer (ERR_TYPE) or was
// interrupted (ERR_INTERRUPTED). To be freed.
char *gdb_ask(const char *line, size_t *length, struct error *err);

// The same for a question of the form "FORMAT": too long a question is one without answer.
char *gdb_askf(size_t *length, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// A new type that is found by its spelling (which may be NULL). NULL when memory is exhausted.
struct gdb_type *gdb_type_new(struct gdb_provider *provider, const char *spelling);
struct gdb_type *gdb_type_known(struct gdb_provider *provider, const char *spelling);

// A copy that lives as long as the provider. NULL when memory is exhausted.
const char *gdb_name(struct gdb_provider *provider, const char *name);

// The type that the links of a declaration from `first` on stand for. `size` is its size if known.
// A base without name is `nameless`. NULL when it does not exist, or finding out was interrupted.
const struct type *gdb_build(struct gdb_provider *provider, const struct cdecl *decl, size_t first,
                             int64_t size, const struct type *nameless);

// A base without name, of which the query is known.
struct gdb_type *gdb_nameless(struct gdb_provider *provider, enum cdecl_base base,
                              const char *query, int64_t size);

// What a pointer, function or typedef leads to.
const struct type *gdb_target(struct type_provider *base, const struct type *type);

// Asks gdb for members, enumerators or parameters; for existence and size too.
bool gdb_type_complete(struct type_provider *base, struct type *type, struct error *err);

// Enumerators from what is between braces.
bool gdb_enumerators(struct gdb_type *made, const char *body, size_t length, struct error *err);

// Members from what is between braces.
bool gdb_members(struct gdb_provider *provider, struct gdb_type *made, const char *body,
                 size_t length, struct error *err);

#endif
