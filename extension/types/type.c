// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/type.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "types/provider.h"

// Chains of typedefs or pointers longer than this do not occur in C that people write; in damaged
// debug information they may be endless.
enum { MAX_CHAIN = 64 };

const struct type type_void = {.kind = TYPE_VOID, .name = "void", .complete = true};

const struct type *type_target(const struct type *type)
{
    if (!type->target) {
        const struct type *target =
            type->provider ? type->provider->target(type->provider, type) : NULL;
        // Finding out may have been interrupted: another time it may be told.
        if (!target)
            return &type_void;
        // A type is not part of its own value: only what is known of it grows.
        ((struct type *)type)->target = target;
    }
    return type->target;
}

const struct type *type_resolve(const struct type *type)
{
    for (int i = 0; i < MAX_CHAIN; i++) {
        if (type->kind != TYPE_TYPEDEF)
            return type;
        type = type_target(type);
    }
    return &type_void;
}

bool type_complete(const struct type *type, struct error *err)
{
    if (type->complete)
        return true;
    return type->provider->complete(type->provider, (struct type *)type, err);
}

const struct type_member *type_member_find(const struct type *type, const char *name)
{
    for (size_t i = 0; i < type->count; i++) {
        if (!strcmp(type->members[i].name, name))
            return &type->members[i];
    }
    return NULL;
}

bool type_is_char(const struct type *type)
{
    type = type_resolve(type);
    return type->kind == TYPE_INT && type->size == 1 && type->name && !strcmp(type->name, "char");
}

static const char *keyword(const struct type *type)
{
    switch (type->kind) {
    case TYPE_STRUCT:
        return "struct ";
    case TYPE_UNION:
        return "union ";
    case TYPE_ENUM:
        return "enum ";
    case TYPE_VOID:
    case TYPE_INT:
    case TYPE_BOOL:
    case TYPE_FLOAT:
    case TYPE_POINTER:
    case TYPE_ARRAY:
    case TYPE_FUNCTION:
    case TYPE_TYPEDEF:
        break;
    }
    return "";
}

void type_format_link(char *suffix, size_t size, bool is_pointer, uint64_t length)
{
    size_t used = strlen(suffix);
    if (!is_pointer) {
        // A pointer to an array: int (*)[4].
        if (suffix[0] == '*' && used + 2 < size) {
            memmove(suffix + 1, suffix, used);
            suffix[0] = '(';
            suffix[used + 1] = ')';
            suffix[used += 2] = '\0';
        }
        snprintf(suffix + used, size - used, "[%" PRIu64 "]", length);
        return;
    }
    // Stars are written from the inside out: int *[4] is an array of pointers.
    memmove(suffix + 1, suffix, used + 1 < size ? used + 1 : used);
    suffix[0] = '*';
    suffix[size - 1] = '\0';
}

void type_format(const struct type *type, char *buffer, size_t size)
{
    char suffix[256] = "";
    if (type->provider && type->provider->format && type->provider->format(type, buffer, size))
        return;
    for (int i = 0; i < MAX_CHAIN; i++) {
        if (type->kind != TYPE_POINTER && type->kind != TYPE_ARRAY)
            break;
        type_format_link(suffix, sizeof(suffix), type->kind == TYPE_POINTER, type->length);
        type = type_target(type);
    }
    const char *name = type->kind == TYPE_FUNCTION ? "(func)" : type->name;
    snprintf(buffer, size, "%s%s%s%s", keyword(type), name ? name : "{...}", *suffix ? " " : "",
             suffix);
}
