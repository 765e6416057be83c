// SPDX-License-Identifier: GPL-3.0-or-later
// C declarations taken apart: "struct list_head *[4]", "int (*func)(void)", "unsigned int x : 4".
//
// Nothing is looked up here; what a name stands for is the business of the providers.
#ifndef MPYKDUMP_TYPES_CDECL_H
#define MPYKDUMP_TYPES_CDECL_H

#include "types/ctoken.h"

enum {
    CDECL_MAX_LINKS = 16,
    CDECL_MAX_NAME = 256,
    CDECL_MAX_SPELLING = 1024, // as long as it may get when written out again
};

enum cdecl_base { CDECL_ORDINARY, CDECL_STRUCT, CDECL_UNION, CDECL_ENUM };

enum cdecl_kind { CDECL_POINTER, CDECL_ARRAY, CDECL_FUNCTION };

// A step from what is declared towards the base: the first link of "int (*x)(void)" is the pointer.
struct cdecl_link {
    enum cdecl_kind kind;
    uint64_t length;        // arrays, 0 if not said
    const char *parameters; // functions: what is between the parentheses
    size_t parameters_length;
};

struct cdecl {
    enum cdecl_base base;
    char tag[CDECL_MAX_NAME]; // without struct, union, enum; "" if there is none. Integers are
                              // named as compilers do: "long unsigned int"
    const char *body;         // what is between braces; NULL if there are none
    size_t body_length;
    struct cdecl_link links[CDECL_MAX_LINKS];
    size_t count;
    char name[CDECL_MAX_NAME]; // "" if there is none
    bool has_bits;
    uint64_t bits; // of a bit field
};

// Takes one declaration from a text, up to where it ends: "," or ";" or anything else that cannot
// be part of it. False when there is none, or one that is no C or too complicated.
bool cdecl_take(struct clexer *lexer, struct cdecl *decl);

// The whole text is one declaration.
bool cdecl_parse(const char *text, size_t length, struct cdecl *decl);

// The whole text is the name of a type; it may have no body.
bool cdecl_parse_type(const char *text, size_t length, struct cdecl *decl);

// The next parameter of a function. False at the end; "void" alone is none, and "..." sets
// `variadic`. What is no C has the tag "?".
bool cdecl_take_parameter(struct clexer *lexer, struct cdecl *decl, bool *variadic);

// Writes the type that the links from `first` on stand for, always in the same way. False when it
// gets too long.
bool cdecl_format(const struct cdecl *decl, size_t first, char *buffer, size_t size);

#endif
