// SPDX-License-Identifier: GPL-3.0-or-later
// Members and enumerators out of what gdb's ptype prints.
//
// The offsets that `ptype /o` prints are those from the beginning of the outermost struct. Within a
// union it prints none, and within what is behind an array or a pointer they are wrong (gdb 10),
// so that gdb is asked again for that.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "types/gdb.h"
#include "types/members.h"

enum {
    MAX_NESTING = 32,
    MAX_QUERY = 512,
    MAX_ENUMERATORS = 1 << 16,
};

// The aggregate whose members are being read.
struct aggregate {
    struct gdb_provider *provider;
    struct gdb_type *made;
    struct member_list list;
    uint64_t origin; // its own place, in bits from the beginning of the outermost
    int nesting;
};

// An expression for a member, to ask gdb for its type: of the first element behind all links.
static bool member_query(const struct gdb_type *outer, const struct cdecl *decl, char *query,
                         size_t size)
{
    int used;
    if (outer->query)
        used = snprintf(query, size, "(%s).%s", outer->query, decl->name);
    else
        used = snprintf(query, size, "((%s *)0)->%s", outer->spelling, decl->name);
    for (size_t i = 0; i < decl->count; i++) {
        if (used < 0 || (size_t)used >= size || decl->links[i].kind == CDECL_FUNCTION)
            return false;
        used += snprintf(query + used, size - (size_t)used, "[0]");
    }
    return used >= 0 && (size_t)used < size;
}

static bool is_hidden(const struct cdecl *decl)
{
    struct clexer lexer;
    clexer_begin(&lexer, decl->body, decl->body_length);
    return clexer_is(&lexer, '.');
}

static bool collect(struct aggregate *aggregate, const char *body, size_t length, uint64_t place,
                    struct error *err);

// Fills a struct in from its description within another one.
static bool fill_inner(struct aggregate *outer, struct gdb_type *made, const struct cdecl *decl,
                       uint64_t place, struct error *err)
{
    struct aggregate inner = {
        .provider = outer->provider,
        .made = made,
        .origin = place,
        .nesting = outer->nesting + 1,
    };
    if (!collect(&inner, decl->body, decl->body_length, place, err)) {
        free(inner.list.items);
        return false;
    }
    if (made->type.complete)
        free(inner.list.items);
    else
        member_list_finish(&inner.list, &made->type);
    return true;
}

// What has no name: a struct or enum described in place, or one to ask gdb for.
static struct gdb_type *nameless_member(struct aggregate *outer, const struct cdecl *decl,
                                        const struct ccolumns *columns, uint64_t place,
                                        struct error *err)
{
    char query[MAX_QUERY];
    bool asked = member_query(outer->made, decl, query, sizeof(query));
    bool in_place = !decl->count && !is_hidden(decl);
    struct gdb_type *made =
        gdb_nameless(outer->provider, decl->base, asked ? query : "",
                     in_place && columns->has_size ? (int64_t)columns->size : GDB_UNKNOWN_SIZE);
    if (!made) {
        error_set(err, ERR_TYPE, "gdb does not tell the type of %.128s", decl->name);
        return NULL;
    }
    bool ok = true;
    if (decl->base == CDECL_ENUM) {
        ok = is_hidden(decl) ? gdb_type_complete(made->type.provider, &made->type, err)
                             : gdb_enumerators(made, decl->body, decl->body_length, err);
    } else if (in_place) {
        ok = fill_inner(outer, made, decl, place, err);
    }
    return ok ? made : NULL;
}

// A struct with a tag. What gdb describes in place needs no question of its own any more; it may
// be another struct than the one that gdb would find by its tag.
static const struct type *tagged_member(struct aggregate *aggregate, const struct cdecl *decl,
                                        const struct ccolumns *columns, uint64_t place,
                                        struct error *err)
{
    struct gdb_type *made =
        (struct gdb_type *)gdb_build(aggregate->provider, decl, 0, (int64_t)columns->size, NULL);
    if (made && made->type.size == columns->size) {
        bool ok = made->type.complete || fill_inner(aggregate, made, decl, place, err);
        return ok ? &made->type : NULL;
    }
    made = nameless_member(aggregate, decl, columns, place, err);
    if (made)
        made->type.name = gdb_name(aggregate->provider, decl->tag);
    return made ? &made->type : NULL;
}

static const struct type *member_type(struct aggregate *aggregate, const struct cdecl *decl,
                                      const struct ccolumns *columns, uint64_t place,
                                      struct error *err)
{
    struct gdb_type *nameless = NULL;
    if (decl->body && !*decl->tag) {
        nameless = nameless_member(aggregate, decl, columns, place, err);
        if (!nameless)
            return NULL;
    } else if (decl->body && decl->base != CDECL_ENUM && !decl->count && columns->has_size) {
        return tagged_member(aggregate, decl, columns, place, err);
    }
    const struct type *type = gdb_build(
        aggregate->provider, decl, 0, columns->has_size ? (int64_t)columns->size : GDB_UNKNOWN_SIZE,
        nameless ? &nameless->type : NULL);
    if (!type)
        error_set(err, ERR_TYPE, "gdb does not tell the type of %.128s", decl->name);
    return type;
}

// One member, or all those of an anonymous one.
static bool add_member(struct aggregate *aggregate, const struct cdecl *decl,
                       const struct ccolumns *columns, uint64_t base, struct error *err)
{
    uint64_t place = columns->has_offset ? columns->bit_offset : base;
    if (!member_list_visit(&aggregate->list, err))
        return false;
    if (!*decl->name) {
        if (!decl->body || decl->count || decl->base == CDECL_ENUM)
            return true;
        return collect(aggregate, decl->body, decl->body_length, place, err);
    }
    struct type_member member = {
        .name = gdb_name(aggregate->provider, decl->name),
        .type = member_type(aggregate, decl, columns, place, err),
        .bit_offset = place - aggregate->origin,
        .bit_size = decl->has_bits ? (uint32_t)decl->bits : 0,
    };
    if (!member.type)
        return false;
    if (!member.name)
        return error_set_no_memory(err);
    if (place < aggregate->origin || decl->bits > 128)
        return error_set(err, ERR_TYPE, "gdb's description of %.128s makes no sense", decl->name);
    return member_list_append(&aggregate->list, &member, err);
}

// The members between braces; `base` is the place of what the braces enclose.
static bool collect(struct aggregate *aggregate, const char *body, size_t length, uint64_t base,
                    struct error *err)
{
    struct clexer lexer;
    if (aggregate->nesting > MAX_NESTING)
        return error_set(err, ERR_TYPE, "structs nested more than %d deep", MAX_NESTING);
    struct cdecl *decl AUTO_FREE = malloc(sizeof(*decl));
    if (!decl)
        return error_set_no_memory(err);
    aggregate->nesting++;
    clexer_begin(&lexer, body, length);
    while (lexer.kind != CTOKEN_END) {
        const char *remark;
        size_t remark_length;
        struct ccolumns columns = lexer.columns;
        // <no data fields>, <incomplete type>
        if (clexer_is(&lexer, '<') && clexer_take_group(&lexer, &remark, &remark_length))
            continue;
        if (!cdecl_take(&lexer, decl) || !clexer_is(&lexer, ';'))
            return error_set(err, ERR_TYPE, "gdb's description of a struct is no C: %.64s",
                             lexer.text);
        if (!add_member(aggregate, decl, &columns, base, err))
            return false;
        lexer.columns = (struct ccolumns){0};
        clexer_advance(&lexer);
    }
    aggregate->nesting--;
    return true;
}

bool gdb_members(struct gdb_provider *provider, struct gdb_type *made, const char *body,
                 size_t length, struct error *err)
{
    struct aggregate aggregate = {.provider = provider, .made = made};
    bool ok = collect(&aggregate, body, length, 0, err);
    // A program's code may have run meanwhile, and hold the members that it was told.
    if (!ok || made->type.complete)
        free(aggregate.list.items);
    else
        member_list_finish(&aggregate.list, &made->type);
    return ok;
}

// ---- enumerators --------------------------------------------------------------------------------

// "= 3", "= -1", or nothing: then the value is one more than the last.
static bool take_value(struct clexer *lexer, int64_t *value)
{
    if (!clexer_take(lexer, '='))
        return true;
    bool negative = clexer_take(lexer, '-');
    if (lexer->kind != CTOKEN_NUMBER)
        return false;
    *value = (int64_t)(negative ? -lexer->number : lexer->number);
    clexer_advance(lexer);
    return true;
}

static bool take_enumerator(struct clexer *lexer, struct gdb_provider *provider,
                            struct type_enumerator *item)
{
    char name[CDECL_MAX_NAME];
    if (lexer->kind != CTOKEN_WORD || lexer->length >= sizeof(name))
        return false;
    memcpy(name, lexer->text, lexer->length);
    name[lexer->length] = '\0';
    clexer_advance(lexer);
    if (!take_value(lexer, &item->value))
        return false;
    item->name = gdb_name(provider, name);
    return item->name && (clexer_take(lexer, ',') || lexer->kind == CTOKEN_END);
}

static size_t count_enumerators(const char *body, size_t length)
{
    size_t count = 1;
    for (size_t i = 0; i < length; i++)
        count += body[i] == ',';
    return count;
}

bool gdb_enumerators(struct gdb_type *made, const char *body, size_t length, struct error *err)
{
    struct type *type = &made->type;
    struct gdb_provider *provider = (struct gdb_provider *)type->provider;
    size_t room = count_enumerators(body, length);
    struct clexer lexer;
    int64_t value = 0;
    if (room > MAX_ENUMERATORS)
        return error_set(err, ERR_TYPE, "an enum of more than %d values", MAX_ENUMERATORS);
    struct type_enumerator *items = calloc(room, sizeof(*items));
    if (!items)
        return error_set_no_memory(err);
    free((void *)type->enumerators);
    type->enumerators = items;
    type->count = 0;
    clexer_begin(&lexer, body, length);
    while (lexer.kind != CTOKEN_END && type->count < room) {
        struct type_enumerator *item = &items[type->count];
        item->value = value;
        if (!take_enumerator(&lexer, provider, item))
            return error_set(err, ERR_TYPE, "gdb's description of an enum is no C");
        type->is_signed |= item->value < 0;
        if (__builtin_add_overflow(item->value, 1, &value))
            value = 0;
        type->count++;
    }
    type->complete = true;
    return true;
}
