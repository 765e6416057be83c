// SPDX-License-Identifier: GPL-3.0-or-later
// Types out of declarations, as lazily as possible: gdb is asked when something cannot be told
// from the text at hand.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "types/gdb.h"

enum { MAX_NESTING = 64 }; // of links, typedefs, structs: in answers that make no sense, endless

// The types that the language itself has, on the machines we know.
static const struct {
    const char *name;
    enum type_kind kind;
    bool is_signed;
    uint8_t size;
} base_types[] = {
    {"char", TYPE_INT, true, 1},
    {"signed char", TYPE_INT, true, 1},
    {"unsigned char", TYPE_INT, false, 1},
    {"short int", TYPE_INT, true, 2},
    {"short unsigned int", TYPE_INT, false, 2},
    {"int", TYPE_INT, true, 4},
    {"unsigned int", TYPE_INT, false, 4},
    {"long int", TYPE_INT, true, 8},
    {"long unsigned int", TYPE_INT, false, 8},
    {"long long int", TYPE_INT, true, 8},
    {"long long unsigned int", TYPE_INT, false, 8},
    {"__int128", TYPE_INT, true, 16},
    {"__int128 unsigned", TYPE_INT, false, 16},
    {"_Bool", TYPE_BOOL, false, 1},
    {"float", TYPE_FLOAT, true, 4},
    {"double", TYPE_FLOAT, true, 8},
    {"long double", TYPE_FLOAT, true, 16},
};

static struct gdb_type *base_type(struct gdb_provider *provider, const char *name)
{
    for (size_t i = 0; i < sizeof(base_types) / sizeof(*base_types); i++) {
        if (strcmp(base_types[i].name, name) != 0)
            continue;
        struct gdb_type *made = gdb_type_new(provider, name);
        if (!made)
            return NULL;
        made->known = true;
        made->type.kind = base_types[i].kind;
        made->type.is_signed = base_types[i].is_signed && made->type.kind == TYPE_INT;
        made->type.name = made->spelling;
        made->type.size = base_types[i].size;
        made->type.complete = true;
        return made;
    }
    return NULL;
}

static enum type_kind kind_of(enum cdecl_base base)
{
    switch (base) {
    case CDECL_STRUCT:
        return TYPE_STRUCT;
    case CDECL_UNION:
        return TYPE_UNION;
    case CDECL_ENUM:
        return TYPE_ENUM;
    case CDECL_ORDINARY:
        break;
    }
    return TYPE_TYPEDEF;
}

// ---- questions about a whole type ---------------------------------------------------------------

static bool ask_size(const char *query, int64_t *size, struct error *err)
{
    size_t length;
    char *answer AUTO_FREE = gdb_askf(&length, err, "output/d sizeof(%s)", query);
    char *end;
    if (!answer)
        return false;
    *size = strtoll(answer, &end, 10);
    if (end > answer && *size >= 0 && *size <= UINT32_MAX)
        return true;
    return error_set(err, ERR_TYPE, "gdb does not tell the size of %.256s", query);
}

// The number behind the last "total size", which belongs to the outermost struct.
static bool total_size(const char *text, size_t length, uint64_t *size)
{
    static const char mark[] = "total size";
    const char *found = NULL;
    for (const char *at = text;
         (at = memmem(at, length - (size_t)(at - text), mark, sizeof(mark) - 1));
         at += sizeof(mark) - 1)
        found = at;
    if (!found)
        return false;
    found += strcspn(found, "0123456789*");
    char *end;
    *size = strtoull(found, &end, 10);
    return end > found && *size <= UINT32_MAX;
}

static bool is_incomplete(const struct cdecl *decl)
{
    static const char mark[] = "<incomplete type>";
    return !decl->body || memmem(decl->body, decl->body_length, mark, sizeof(mark) - 1);
}

static bool make_missing(struct gdb_type *made)
{
    made->known = made->missing = made->type.complete = true;
    return false;
}

// Whether it has members, and nowhere their places.
static bool lacks_places(const char *answer, size_t length)
{
    return memchr(answer, ';', length) && !memmem(answer, length, "/*", 2);
}

// gdb 12 and later tells no places in a struct that ends with an array of unknown length; in what a
// function returns it does.
static char *ask_members(const char *query, bool is_name, size_t *length, struct error *err)
{
    char *answer = gdb_askf(length, err, "ptype /o %s", query);
    if (!answer || !lacks_places(answer, *length))
        return answer;
    free(answer);
    answer = is_name ? gdb_askf(length, err, "ptype /o %s(void)", query) : NULL;
    if (answer && !lacks_places(answer, *length))
        return answer;
    free(answer);
    error_set(err, ERR_TYPE, "gdb does not tell where the members of %.256s are", query);
    return NULL;
}

static bool complete_aggregate(struct gdb_provider *provider, struct gdb_type *made,
                               const char *query, struct error *err)
{
    size_t length;
    char *answer AUTO_FREE = ask_members(query, !made->query, &length, err);
    if (!answer)
        return err->code == ERR_TYPE && !made->known ? make_missing(made) : false;
    struct cdecl *decl AUTO_FREE = malloc(sizeof(*decl));
    if (!decl)
        return error_set_no_memory(err);
    if (!cdecl_parse(answer, length, decl) || is_incomplete(decl)) {
        error_set(err, ERR_TYPE, "gdb does not know what %.256s is", query);
        return made->known ? false : make_missing(made);
    }
    uint64_t size;
    if (total_size(answer, length, &size))
        made->type.size = size;
    made->known = true;
    return gdb_members(provider, made, decl->body, decl->body_length, err);
}

static bool complete_enum(struct gdb_type *made, const char *query, struct error *err)
{
    size_t length;
    int64_t size = 0;
    struct cdecl *decl AUTO_FREE = malloc(sizeof(*decl));
    if (!decl)
        return error_set_no_memory(err);
    char *answer AUTO_FREE = gdb_askf(&length, err, "ptype %s", query);
    if (!answer || !cdecl_parse(answer, length, decl) || !decl->body) {
        if (answer)
            error_set(err, ERR_TYPE, "gdb does not know what %.256s is", query);
        return err->code == ERR_TYPE ? make_missing(made) : false;
    }
    if (!made->type.size) {
        if (!ask_size(query, &size, err) && err->code != ERR_TYPE)
            return false;
        // One that is only declared has none.
        made->type.size = size > 0 ? (uint64_t)size : 0;
        made->missing = !made->type.size;
    }
    made->known = true;
    if (made->type.complete)
        return true; // by a program's code that has run meanwhile
    return gdb_enumerators(made, decl->body, decl->body_length, err);
}

static bool complete_function(struct gdb_provider *provider, struct gdb_type *made,
                              struct error *err)
{
    struct array found SCOPED(array_clear) = {0};
    struct cdecl *decl AUTO_FREE = malloc(2 * sizeof(*decl));
    if (!decl)
        return error_set_no_memory(err);
    struct cdecl *parameter = decl + 1;
    struct clexer lexer;
    if (!made->spelling || !cdecl_parse(made->spelling, strlen(made->spelling), decl) ||
        !decl->count || decl->links[0].kind != CDECL_FUNCTION)
        return error_set(err, ERR_TYPE, "gdb does not tell the parameters of a function");
    clexer_begin(&lexer, decl->links[0].parameters, decl->links[0].parameters_length);
    while (cdecl_take_parameter(&lexer, parameter, &made->type.variadic)) {
        const struct type *type = gdb_build(provider, parameter, 0, GDB_UNKNOWN_SIZE, NULL);
        if (!array_append(&found, (uintptr_t)(type ? type : &type_void)))
            return error_set_no_memory(err);
    }
    made->type.parameters = (const struct type *const *)(uintptr_t)TRANSFER(found.items);
    made->type.count = found.count;
    made->type.complete = true;
    return true;
}

bool gdb_type_complete(struct type_provider *base, struct type *type, struct error *err)
{
    struct gdb_provider *provider = (struct gdb_provider *)base;
    struct gdb_type *made = (struct gdb_type *)type;
    const char *query = made->query ? made->query : made->spelling;
    if (type->kind == TYPE_FUNCTION)
        return complete_function(provider, made, err);
    if (type->kind == TYPE_ENUM)
        return complete_enum(made, query, err);
    return complete_aggregate(provider, made, query, err);
}

// ---- building -----------------------------------------------------------------------------------

struct gdb_type *gdb_nameless(struct gdb_provider *provider, enum cdecl_base base,
                              const char *query, int64_t size)
{
    struct error err;
    if (size == GDB_UNKNOWN_SIZE && !ask_size(query, &size, &err))
        return NULL;
    struct gdb_type *made = gdb_type_new(provider, NULL);
    if (!made)
        return NULL;
    made->type.kind = kind_of(base);
    made->type.size = (uint64_t)size;
    made->query = strdup(query);
    made->known = true;
    return made->query ? made : NULL;
}

// A struct, union or enum. Those that do not exist are given too: something may point to them.
static struct gdb_type *tagged(struct gdb_provider *provider, const struct cdecl *decl,
                               const char *spelling, int64_t size)
{
    struct gdb_type *made = gdb_type_known(provider, spelling);
    struct error err;
    if (!made)
        made = gdb_type_new(provider, spelling);
    if (!made || made->known)
        return made;
    if (!made->type.name)
        made->type.name = gdb_name(provider, decl->tag);
    made->type.kind = kind_of(decl->base);
    if (decl->base != CDECL_ENUM && size == GDB_UNKNOWN_SIZE && !ask_size(spelling, &size, &err) &&
        err.code != ERR_TYPE)
        return NULL;
    if (size != GDB_UNKNOWN_SIZE)
        made->type.size = (uint64_t)size;
    if (decl->base != CDECL_ENUM && size > 0)
        made->known = true;
    else
        // The sign of an enum depends on its values. A struct without size may be only declared.
        gdb_type_complete(&provider->base, &made->type, &err);
    return made->known ? made : NULL;
}

// What a typedef names. NULL when there is no such typedef.
static const struct type *typedef_target(struct gdb_provider *provider, const struct type *type,
                                         struct error *err)
{
    size_t length;
    int64_t size = type->size ? (int64_t)type->size : GDB_UNKNOWN_SIZE;
    struct gdb_type *nameless = NULL;
    char query[CDECL_MAX_NAME + 16];
    struct cdecl *decl AUTO_FREE = malloc(sizeof(*decl));
    char *answer AUTO_FREE = gdb_askf(&length, err, "whatis %s", type->name);
    if (!answer || !decl)
        return NULL;
    error_set(err, ERR_TYPE, "gdb does not know what %.256s is", type->name);
    // What names itself is a base type that we do not know.
    if (!cdecl_parse(answer, length, decl) ||
        (decl->base == CDECL_ORDINARY && !decl->count && !strcmp(decl->tag, type->name)))
        return NULL;
    if (decl->body && !*decl->tag) {
        if (decl->count)
            return &type_void;
        snprintf(query, sizeof(query), "*(%s *)0", type->name);
        nameless = gdb_nameless(provider, decl->base, query, size);
        if (!nameless)
            return NULL;
        if (decl->base == CDECL_ENUM && !gdb_type_complete(&provider->base, &nameless->type, err))
            return NULL;
    }
    return gdb_build(provider, decl, 0, size, nameless ? &nameless->type : NULL);
}

// Whether a name is that of a typedef and not of a variable.
static bool is_typedef(const char *name, struct error *err)
{
    size_t length;
    char *answer AUTO_FREE = gdb_askf(&length, err, "whatis (%s *)0", name);
    return answer;
}

static struct gdb_type *ordinary(struct gdb_provider *provider, const char *name, int64_t size)
{
    struct error err = {0};
    struct gdb_type *made = gdb_type_known(provider, name);
    if (!made)
        made = base_type(provider, name);
    if (!made)
        made = gdb_type_new(provider, name);
    if (!made || made->known)
        return made;
    made->type.kind = TYPE_TYPEDEF;
    made->type.name = made->spelling;
    made->type.complete = true;
    if (size != GDB_UNKNOWN_SIZE) {
        made->type.size = (uint64_t)size;
        made->known = true;
        return made;
    }
    if (!strchr(name, ' ') && is_typedef(name, &err))
        made->type.target = typedef_target(provider, &made->type, &err);
    else if (err.code == ERR_NONE)
        err.code = ERR_TYPE;
    if (made->type.target)
        made->type.size = made->type.target->size;
    else if (err.code != ERR_TYPE)
        return NULL;
    made->known = true;
    made->missing = !made->type.target;
    return made;
}

static const struct type *build_base(struct gdb_provider *provider, const struct cdecl *decl,
                                     int64_t size)
{
    char spelling[CDECL_MAX_NAME + 16];
    struct gdb_type *made;
    if (!cdecl_format(decl, decl->count, spelling, sizeof(spelling)))
        return NULL;
    if (decl->base != CDECL_ORDINARY) {
        made = *decl->tag ? tagged(provider, decl, spelling, size) : NULL;
        return made ? &made->type : NULL;
    }
    // Remarks of gdb's, and what it could not write.
    if (!strcmp(decl->tag, "void") || *decl->tag == '<' || *decl->tag == '?')
        return &type_void;
    made = ordinary(provider, decl->tag, size);
    return made && !made->missing ? &made->type : NULL;
}

static bool fill_array(struct gdb_provider *provider, struct gdb_type *made,
                       const struct cdecl *decl, size_t first, int64_t size,
                       const struct type *nameless)
{
    uint64_t length = decl->links[first].length;
    int64_t element =
        size != GDB_UNKNOWN_SIZE && length ? (int64_t)((uint64_t)size / length) : GDB_UNKNOWN_SIZE;
    made->type.kind = TYPE_ARRAY;
    made->type.length = length;
    made->type.complete = true;
    made->type.target = gdb_build(provider, decl, first + 1, element, nameless);
    if (made->type.target &&
        __builtin_mul_overflow(length, made->type.target->size, &made->type.size))
        made->type.size = 0;
    return made->type.target;
}

static const struct type *build(struct gdb_provider *provider, const struct cdecl *decl,
                                size_t first, int64_t size, const struct type *nameless)
{
    char spelling[CDECL_MAX_SPELLING];
    if (first == decl->count)
        return nameless ? nameless : build_base(provider, decl, size);
    if (!nameless && !cdecl_format(decl, first, spelling, sizeof(spelling)))
        return NULL;
    struct gdb_type *made = nameless ? NULL : gdb_type_known(provider, spelling);
    if (!made)
        made = gdb_type_new(provider, nameless ? NULL : spelling);
    if (!made || made->known)
        return made ? &made->type : NULL;
    switch (decl->links[first].kind) {
    case CDECL_POINTER:
        made->type.kind = TYPE_POINTER;
        made->type.size = sizeof(uint64_t);
        made->type.complete = true;
        break;
    case CDECL_FUNCTION:
        made->type.kind = TYPE_FUNCTION;
        break;
    case CDECL_ARRAY:
        if (!fill_array(provider, made, decl, first, size, nameless))
            return NULL;
        break;
    }
    // Without a spelling it could not be found out later.
    if (nameless && !made->type.target)
        made->type.target = gdb_build(provider, decl, first + 1, GDB_UNKNOWN_SIZE, nameless);
    made->known = true;
    return &made->type;
}

const struct type *gdb_build(struct gdb_provider *provider, const struct cdecl *decl, size_t first,
                             int64_t size, const struct type *nameless)
{
    const struct type *type = NULL;
    if (provider->nesting++ < MAX_NESTING)
        type = build(provider, decl, first, size, nameless);
    provider->nesting--;
    return type;
}

const struct type *gdb_target(struct type_provider *base, const struct type *type)
{
    struct gdb_provider *provider = (struct gdb_provider *)base;
    const struct gdb_type *made = (const struct gdb_type *)type;
    struct error err;
    if (type->kind == TYPE_TYPEDEF)
        return typedef_target(provider, type, &err);
    struct cdecl *decl AUTO_FREE = malloc(sizeof(*decl));
    if (!decl || !made->spelling || !cdecl_parse(made->spelling, strlen(made->spelling), decl) ||
        !decl->count)
        return NULL;
    return gdb_build(provider, decl, 1, GDB_UNKNOWN_SIZE, NULL);
}
