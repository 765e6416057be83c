// SPDX-License-Identifier: GPL-3.0-or-later
// The model of C types. Providers fill it (btf.c); nothing above knows which.
//
// Types are made on demand, live until the registry is reset, and are unique: the same type is
// the same pointer. What would pull in the whole kernel is made only when asked for: the target
// of a pointer (type_target) and the members of a struct (type_complete).
#ifndef MPYKDUMP_TYPES_TYPE_H
#define MPYKDUMP_TYPES_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum type_kind {
    TYPE_VOID,
    TYPE_INT, // all integers, char included
    TYPE_BOOL,
    TYPE_FLOAT,
    TYPE_ENUM,
    TYPE_STRUCT,
    TYPE_UNION,
    TYPE_POINTER,
    TYPE_ARRAY,
    TYPE_FUNCTION,
    TYPE_TYPEDEF,
};

// A member of a struct or union. The members of anonymous structs and unions inside it are listed
// as its own, which is how C programs see them.
struct type_member {
    const char *name;
    const struct type *type;
    uint64_t bit_offset; // from the beginning of the outermost struct
    uint32_t bit_size;   // of a bit field, else 0
};

struct type_enumerator {
    const char *name;
    int64_t value;
};

struct type_provider;

struct type {
    enum type_kind kind;
    bool is_signed;   // integers and enums
    const char *name; // tag, typedef or base type name; NULL if anonymous or derived
    uint64_t size;    // bytes; 0 for void, functions and incomplete types
    uint64_t length;  // arrays: number of elements, 0 if unknown

    // Behind the functions below.
    struct type_provider *provider;
    uint32_t id;
    bool complete;
    const struct type *target;
    const struct type_member *members;
    const struct type_enumerator *enumerators;
    const struct type *const *parameters; // of functions
    bool variadic;                        // takes more than its parameters
    size_t count;                         // of members, enumerators or parameters, once complete
};

static inline bool type_is_aggregate(const struct type *type)
{
    return type->kind == TYPE_STRUCT || type->kind == TYPE_UNION;
}

// The type behind typedefs.
const struct type *type_resolve(const struct type *type);

// What a pointer points to, an array has as elements, a function returns or a typedef names.
// Unusable descriptions give void.
const struct type *type_target(const struct type *type);

// Makes members, enumerators and parameters available (of a struct, union, enum or function).
bool type_complete(const struct type *type, struct error *err);

// The member of that name, or NULL; the type must be complete.
const struct type_member *type_member_find(const struct type *type, const char *name);

// The plain C type `char`, whose arrays and pointers are strings.
bool type_is_char(const struct type *type);

// Writes the C spelling, such as "struct list_head *" or "char [16]".
void type_format(const struct type *type, char *buffer, size_t size);

#endif
