// SPDX-License-Identifier: GPL-3.0-or-later
// Types from the text that gdb, inside crash, prints about them: the last resort.
//
// A question costs between a millisecond and seconds, so that as little as possible is asked, and
// nothing twice.
#include "types/gdb.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static struct gdb_provider *provider_of(struct type_provider *base)
{
    return (struct gdb_provider *)base;
}

// ---- the types made so far ----------------------------------------------------------------------

static uint64_t hash_of(const char *spelling)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (; *spelling; spelling++)
        hash = (hash ^ (uint8_t)*spelling) * 0x100000001b3ull;
    return hash ? hash : 1;
}

struct gdb_type *gdb_type_known(struct gdb_provider *provider, const char *spelling)
{
    struct gdb_type *found = map_get(&provider->types, hash_of(spelling));
    while (found && strcmp(found->spelling, spelling) != 0)
        found = found->same_hash;
    return found;
}

static void type_free(struct gdb_type *made)
{
    free((void *)made->type.members);
    free((void *)made->type.enumerators);
    free((void *)made->type.parameters);
    free(made->spelling);
    free(made->query);
    free(made);
}

struct gdb_type *gdb_type_new(struct gdb_provider *provider, const char *spelling)
{
    struct gdb_type *made = calloc(1, sizeof(*made));
    if (!made)
        return NULL;
    made->type.provider = &provider->base;
    if (spelling) {
        uint64_t hash = hash_of(spelling);
        made->same_hash = map_get(&provider->types, hash);
        made->spelling = strdup(spelling);
        if (!made->spelling || !map_put(&provider->types, hash, made)) {
            type_free(made);
            return NULL;
        }
    }
    made->next = provider->made;
    provider->made = made;
    return made;
}

const char *gdb_name(struct gdb_provider *provider, const char *name)
{
    char *copy = strdup(name);
    if (copy && array_append(&provider->names, (uintptr_t)copy))
        return copy;
    free(copy);
    return NULL;
}

static void provider_free(struct type_provider *base)
{
    struct gdb_provider *provider = provider_of(base);
    while (provider->made) {
        struct gdb_type *made = provider->made;
        provider->made = made->next;
        type_free(made);
    }
    for (size_t i = 0; i < provider->names.count; i++)
        free((void *)(uintptr_t)provider->names.items[i]);
    array_clear(&provider->names);
    map_clear(&provider->types);
    free(provider);
}

// ---- looking for names --------------------------------------------------------------------------

// gdb is asked for nothing but names.
static bool is_name(const char *text)
{
    size_t length = 0;
    for (; text[length]; length++) {
        if (!isalnum((unsigned char)text[length]) && text[length] != '_' && text[length] != ' ')
            return false;
    }
    return length && length < CDECL_MAX_NAME;
}

static const struct type *find(struct type_provider *base, enum type_space space, const char *name)
{
    static const enum cdecl_base bases[] = {
        [TYPE_SPACE_STRUCT] = CDECL_STRUCT,
        [TYPE_SPACE_UNION] = CDECL_UNION,
        [TYPE_SPACE_ENUM] = CDECL_ENUM,
        [TYPE_SPACE_ORDINARY] = CDECL_ORDINARY,
    };
    struct cdecl *decl AUTO_FREE = calloc(1, sizeof(*decl));
    if (!decl || !is_name(name))
        return NULL;
    decl->base = bases[space];
    strcpy(decl->tag, name);
    const struct type *type = gdb_build(provider_of(base), decl, 0, GDB_UNKNOWN_SIZE, NULL);
    return type && type != &type_void && !((const struct gdb_type *)type)->missing ? type : NULL;
}

const struct type *gdb_provider_expression(struct type_provider *base, const char *expression,
                                           struct error *err)
{
    struct gdb_provider *provider = provider_of(base);
    size_t length;
    struct gdb_type *nameless = NULL;
    char query[CDECL_MAX_SPELLING];
    struct cdecl *decl AUTO_FREE = malloc(sizeof(*decl));
    char *answer AUTO_FREE = gdb_askf(&length, err, "whatis %s", expression);
    if (!answer && err->code == ERR_TYPE)
        error_set(err, ERR_TYPE, "gdb knows no type of %.256s", expression);
    if (!answer || !decl)
        return NULL;
    err->code = ERR_NONE;
    bool is_type = cdecl_parse(answer, length, decl) && *decl->tag != '<';
    if (is_type && decl->body && !*decl->tag) {
        size_t used = (size_t)snprintf(query, sizeof(query), "(%s)", expression);
        for (size_t i = 0; i < decl->count && used + 4 < sizeof(query); i++, used += 3)
            strcpy(query + used, "[0]");
        nameless = gdb_nameless(provider, decl->base, query, GDB_UNKNOWN_SIZE);
        is_type = nameless && (decl->base != CDECL_ENUM ||
                               gdb_type_complete(&provider->base, &nameless->type, err));
    }
    const struct type *type = NULL;
    if (nameless && is_type)
        type = gdb_build(provider, decl, 0, GDB_UNKNOWN_SIZE, &nameless->type);
    else if (is_type)
        type = types_declared(decl, err);
    if (!type && err->code == ERR_NONE)
        error_set(err, ERR_TYPE, "gdb knows no type of %.256s", expression);
    return type;
}

// Variables and functions: what has an address. The answers are kept as types that point to them.
static const struct type *find_object(struct gdb_provider *provider, const char *name,
                                      bool is_function)
{
    char spelling[CDECL_MAX_NAME + 16];
    struct error err;
    if (!is_name(name) || strchr(name, ' '))
        return NULL;
    snprintf(spelling, sizeof(spelling), "&%s", name);
    struct gdb_type *known = gdb_type_known(provider, spelling);
    if (!known) {
        const struct type *type = gdb_provider_expression(&provider->base, spelling, &err);
        if (!type && err.code != ERR_TYPE)
            return NULL;
        // An address is a pointer; anything else is no answer.
        if (type && type->kind != TYPE_POINTER)
            type = NULL;
        known = gdb_type_new(provider, spelling);
        if (!known)
            return NULL;
        known->missing = !type;
        known->type.target = type ? type_target(type) : NULL;
    }
    if (known->missing || (known->type.target->kind == TYPE_FUNCTION) != is_function)
        return NULL;
    return known->type.target == &type_void ? NULL : known->type.target;
}

static const struct type *find_variable(struct type_provider *base, const char *name)
{
    return find_object(provider_of(base), name, false);
}

static const struct type *find_function(struct type_provider *base, const char *name)
{
    return find_object(provider_of(base), name, true);
}

static const struct type *declared(struct type_provider *base, const struct cdecl *decl)
{
    return gdb_build(provider_of(base), decl, 0, GDB_UNKNOWN_SIZE, NULL);
}

// As type_format would, which would need the types that the spelling tells already.
static bool format(const struct type *type, char *buffer, size_t size)
{
    const struct gdb_type *made = (const struct gdb_type *)type;
    struct cdecl *decl AUTO_FREE = malloc(sizeof(*decl));
    char suffix[CDECL_MAX_SPELLING] = "";
    char base[CDECL_MAX_SPELLING] = "(func)";
    if (!decl || !made->spelling || !cdecl_parse(made->spelling, strlen(made->spelling), decl))
        return false;
    size_t link = 0;
    for (; link < decl->count && decl->links[link].kind != CDECL_FUNCTION; link++)
        type_format_link(suffix, sizeof(suffix), decl->links[link].kind == CDECL_POINTER,
                         decl->links[link].length);
    if (link == decl->count && !cdecl_format(decl, link, base, sizeof(base)))
        return false;
    snprintf(buffer, size, "%s%s%s", base, *suffix ? " " : "", suffix);
    return true;
}

struct type_provider *gdb_provider_new(const char *namelist, struct error *err)
{
    size_t length;
    (void)namelist;
    // Every kernel has it. Where gdb does not know it, it knows no types.
    char *answer AUTO_FREE = gdb_ask("whatis struct list_head", &length, err);
    if (!answer) {
        if (err->code == ERR_TYPE)
            error_set(err, ERR_TYPE, "crash's gdb knows no types");
        return NULL;
    }
    struct gdb_provider *provider = calloc(1, sizeof(*provider));
    if (!provider) {
        error_set_no_memory(err);
        return NULL;
    }
    provider->base = (struct type_provider){
        .name = "gdb",
        .origin = "crash's gdb",
        .find = find,
        .find_variable = find_variable,
        .find_function = find_function,
        .declared = declared,
        .target = gdb_target,
        .complete = gdb_type_complete,
        .format = format,
        .free = provider_free,
    };
    return &provider->base;
}
