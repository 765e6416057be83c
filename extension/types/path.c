// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/path.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/map.h"
#include "types/types.h"

enum { MAX_MEMBER_NAME = 1024 };

// What is left of the text.
struct cursor {
    const char *at;
    const char *end;
};

// The next name, up to '.' or '['. Long ones are cut: no member has such a name.
static void cursor_name(struct cursor *cursor, char *name, size_t size)
{
    size_t length = 0;
    while (cursor->at < cursor->end && *cursor->at != '.' && *cursor->at != '[') {
        if (length + 1 < size)
            name[length++] = *cursor->at;
        cursor->at++;
    }
    name[length] = '\0';
}

static bool cursor_take(struct cursor *cursor, char c)
{
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

// A decimal number and "]".
static bool cursor_index(struct cursor *cursor, uint64_t *index)
{
    uint64_t value = 0;
    const char *first = cursor->at;
    for (; cursor->at < cursor->end && isdigit((unsigned char)*cursor->at); cursor->at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*cursor->at - '0'), &value))
            return false;
    }
    *index = value;
    return cursor->at > first && cursor_take(cursor, ']');
}

static bool follow(struct path *path, const struct type *target, struct error *err)
{
    if (path->follows == PATH_MAX_FOLLOWS)
        return error_set(err, ERR_VALUE, "a path over more than %d pointers", PATH_MAX_FOLLOWS);
    path->offsets[path->follows++] = path->offset;
    path->offset = 0;
    path->type = target;
    return true;
}

// Goes on to the struct that the path has reached, through a pointer where there is one.
static bool enter(struct path *path, const char *name, struct error *err)
{
    const struct type *type = type_resolve(path->type);
    const struct type *target = type;
    if (type->kind == TYPE_POINTER || (type->kind == TYPE_ARRAY && type->length <= 1))
        target = type_resolve(type_target(type));
    if (path->bit_size || !type_is_aggregate(target)) {
        char text[256];
        type_format(path->type, text, sizeof(text));
        return error_set(err, ERR_TYPE, "%s has no members, '%s' is none of it", text, name);
    }
    if (type->kind == TYPE_POINTER)
        return follow(path, target, err);
    path->type = target;
    return true;
}

static bool step_member(struct path *path, const char *name, struct error *err)
{
    if (!enter(path, name, err) || !type_complete(path->type, err))
        return false;
    const struct type_member *member = type_member_find(path->type, name);
    if (!member) {
        char text[256];
        type_format(path->type, text, sizeof(text));
        return error_set(err, ERR_MEMBER, "<%s> does not have a field <%s>", text, name);
    }
    path->offset += member->bit_offset / 8;
    path->bit_shift = member->bit_size ? member->bit_offset % 8 : 0;
    path->bit_size = member->bit_size;
    path->type = member->type;
    return true;
}

static bool step_index(struct path *path, struct cursor *cursor, struct error *err)
{
    uint64_t index;
    const struct type *type = type_resolve(path->type);
    if (!cursor_index(cursor, &index))
        return error_set(err, ERR_VALUE, "an index in a path is [decimal number]");
    if (path->bit_size || (type->kind != TYPE_ARRAY && type->kind != TYPE_POINTER) ||
        !type_target(type)->size) {
        char text[256];
        type_format(path->type, text, sizeof(text));
        return error_set(err, ERR_TYPE, "a %s has no elements", text);
    }
    const struct type *element = type_target(type);
    if (type->kind == TYPE_ARRAY && type->length && index >= type->length)
        return error_set(err, ERR_VALUE, "index %" PRIu64 " of an array of %" PRIu64, index,
                         type->length);
    if (type->kind == TYPE_POINTER && !follow(path, element, err))
        return false;
    path->offset += index * element->size;
    path->type = element;
    return true;
}

static bool compile(const struct type *root, const char *text, size_t length, struct path *path,
                    struct error *err)
{
    struct cursor cursor = {.at = text, .end = text + length};
    *path = (struct path){.type = root};
    do {
        char name[MAX_MEMBER_NAME];
        cursor_name(&cursor, name, sizeof(name));
        if (!step_member(path, name, err))
            return false;
        while (cursor_take(&cursor, '[')) {
            if (!step_index(path, &cursor, err))
                return false;
        }
    } while (cursor_take(&cursor, '.'));
    if (cursor.at < cursor.end)
        return error_set(err, ERR_VALUE, "'%.64s' at the end of a path", cursor.at);
    return true;
}

// Programs ask for the same few paths again and again.
enum { MEMO_SIZE = 128, MEMO_TEXT = 48 }; // MEMO_SIZE is a power of two

static struct memo {
    const struct type *root; // NULL: free
    size_t length;
    char text[MEMO_TEXT];
    struct path path;
} memos[MEMO_SIZE];

static struct memo *memo_of(const struct type *root, const char *text, size_t length)
{
    uint64_t hash = (uintptr_t)root;
    for (size_t i = 0; i < length; i++)
        hash = hash * 31 + (uint8_t)text[i];
    return &memos[map_hash(hash) & (MEMO_SIZE - 1)];
}

void path_forget(void)
{
    memset(memos, 0, sizeof(memos));
}

bool path_compile(const struct type *root, const char *text, size_t length, struct path *path,
                  struct error *err)
{
    if (length > MEMO_TEXT)
        return compile(root, text, length, path, err);
    struct memo *memo = memo_of(root, text, length);
    if (memo->root == root && memo->length == length && !memcmp(memo->text, text, length)) {
        *path = memo->path;
        return true;
    }
    if (!compile(root, text, length, path, err))
        return false;
    *memo = (struct memo){.root = root, .length = length, .path = *path};
    memcpy(memo->text, text, length);
    return true;
}

static bool field_find(const struct type *type, struct path_field *field, struct error *err)
{
    struct path path;
    if (!path_compile(type, field->name, strlen(field->name), &path, err))
        return false;
    if (path.follows)
        return error_set(err, ERR_TYPE, "%s is not in the struct itself", field->name);
    field->offset = path.offset;
    field->size = type_resolve(path.type)->size;
    field->bit_shift = path.bit_shift;
    field->bit_size = path.bit_size;
    return true;
}

bool path_fields(const char *name, struct path_field *fields, size_t count, struct error *err)
{
    const struct type *type = types_find(name, err);
    for (size_t i = 0; type && i < count; i++) {
        if (!field_find(type, &fields[i], err))
            return false;
    }
    return type != NULL;
}

bool path_field_exists(const char *name, struct path_field *field)
{
    struct error ignored;
    return path_fields(name, field, 1, &ignored);
}
