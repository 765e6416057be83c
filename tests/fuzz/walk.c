// SPDX-License-Identifier: GPL-3.0-or-later
// Asks everything there is to ask about types, as often as a budget allows: what the input makes
// large is to be found out by what the engine does with it, not by how often it is asked.
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "fuzz/fuzz.h"
#include "types/path.h"
#include "types/provider.h"

enum {
    MAX_TYPES = 500,   // looked at in one walk
    MAX_MEMBERS = 100, // looked at more closely, of one type
    MAX_DEPTH = 6,     // of paths
    MAX_STRINGS = 100, // looked up
    MAX_LISTED = 1000, // of one space
    MAX_NAME = 128,
};

// Types found and not looked at yet.
struct walk {
    struct map seen;
    struct array waiting;
    size_t looked;
};

static void walk_clear(struct walk *walk)
{
    map_clear(&walk->seen);
    array_clear(&walk->waiting);
}

static void found(struct walk *walk, const struct type *type)
{
    FUZZ_CHECK(type);
    if (!map_get(&walk->seen, (uintptr_t)type)) {
        map_put(&walk->seen, (uintptr_t)type, (void *)type);
        array_append(&walk->waiting, (uintptr_t)type);
    }
}

static void check_error(const struct error *err)
{
    FUZZ_CHECK(err->code != ERR_NONE);
    FUZZ_CHECK(memchr(err->message, '\0', sizeof(err->message)));
}

static void look_at_spelling(struct walk *walk, const struct type *type)
{
    char text[512];
    char small[24];
    struct error err = {0};
    type_format(type, small, sizeof(small));
    type_format(type, text, sizeof(text));
    FUZZ_CHECK(memchr(small, '\0', sizeof(small)) && memchr(text, '\0', sizeof(text)));
    const struct type *same = types_find(text, &err);
    if (!same) {
        check_error(&err);
        return;
    }
    FUZZ_CHECK(types_find(text, &err) == same);
    found(walk, same);
}

// "a.b.c", each the first member of what the one before leads to.
static void look_at_paths(const struct type *type, const struct type_member *member)
{
    char text[1024] = "";
    size_t used = 0;
    struct path path;
    struct error err;
    const struct type *at = type;
    for (int depth = 0; depth < MAX_DEPTH && member; depth++) {
        int length =
            snprintf(text + used, sizeof(text) - used, "%s%s", used ? "." : "", member->name);
        if (length < 0 || (size_t)length >= sizeof(text) - used)
            return;
        used += (size_t)length;
        err.code = ERR_NONE;
        if (path_compile(type, text, used, &path, &err))
            FUZZ_CHECK(path.type && path.follows <= PATH_MAX_FOLLOWS);
        else
            check_error(&err);
        at = type_resolve(member->type);
        while (at->kind == TYPE_POINTER || at->kind == TYPE_ARRAY) {
            const struct type *target = type_resolve(type_target(at));
            if (at->kind == TYPE_ARRAY && used + 4 < sizeof(text))
                used += (size_t)snprintf(text + used, sizeof(text) - used, "[0]");
            if (depth++ > MAX_DEPTH)
                return;
            at = target;
        }
        bool inside = type_is_aggregate(at) && type_complete(at, &err) && at->count;
        member = inside ? &at->members[at->count / 2] : NULL;
    }
}

static void look_at_field(const struct type *type, const struct type_member *member)
{
    char text[512];
    struct path_field field = {.name = member->name};
    type_format(type, text, sizeof(text));
    if (path_field_exists(text, &field))
        FUZZ_CHECK(field.bit_shift < 8);
}

static void look_at_members(struct walk *walk, const struct type *type)
{
    for (size_t i = 0; i < type->count && i < MAX_MEMBERS; i++) {
        const struct type_member *member = &type->members[i];
        FUZZ_CHECK(member->name && member->type);
        FUZZ_CHECK(type_member_find(type, member->name));
        found(walk, member->type);
        look_at_paths(type, member);
        look_at_field(type, member);
    }
}

static void look_at_enumerators(const struct type *type)
{
    for (size_t i = 0; i < type->count && i < MAX_MEMBERS; i++) {
        int64_t value;
        FUZZ_CHECK(type->enumerators[i].name);
        types_find_enumerator(type->enumerators[i].name, &value);
    }
}

static void look_at_parameters(struct walk *walk, const struct type *type)
{
    for (size_t i = 0; i < type->count && i < MAX_MEMBERS; i++)
        found(walk, type->parameters[i]);
}

static void look_at(struct walk *walk, const struct type *type)
{
    struct error err = {0};
    FUZZ_CHECK(type->kind <= TYPE_TYPEDEF);
    FUZZ_CHECK(!type->name || strlen(type->name) < UINT32_MAX);
    FUZZ_CHECK(type_resolve(type)->kind != TYPE_TYPEDEF);
    type_is_char(type);
    if (type->kind == TYPE_POINTER || type->kind == TYPE_ARRAY || type->kind == TYPE_TYPEDEF ||
        type->kind == TYPE_FUNCTION)
        found(walk, type_target(type));
    look_at_spelling(walk, type);
    if (!type_complete(type, &err)) {
        check_error(&err);
        return;
    }
    FUZZ_CHECK(type->complete || (type->provider && !strcmp(type->provider->name, "gdb")));
    if (type_is_aggregate(type))
        look_at_members(walk, type);
    else if (type->kind == TYPE_ENUM)
        look_at_enumerators(type);
    else if (type->kind == TYPE_FUNCTION)
        look_at_parameters(walk, type);
}

static void walk_on(struct walk *walk)
{
    while (walk->waiting.count && walk->looked++ < MAX_TYPES)
        look_at(walk, (const struct type *)(uintptr_t)walk->waiting.items[--walk->waiting.count]);
}

void fuzz_walk_all(void)
{
    struct walk walk SCOPED(walk_clear) = {0};
    for (int space = TYPE_SPACE_STRUCT; space <= TYPE_SPACE_ORDINARY; space++) {
        size_t cursor = 0;
        struct error err = {0};
        for (int i = 0; i < MAX_LISTED; i++) {
            const struct type *type = types_next((enum type_space)space, &cursor, &err);
            if (!type)
                break;
            found(&walk, type);
        }
    }
    walk_on(&walk);
}

void fuzz_walk_provider(struct type_provider *provider)
{
    struct walk walk SCOPED(walk_clear) = {0};
    for (int space = TYPE_SPACE_STRUCT; space <= TYPE_SPACE_ORDINARY; space++) {
        size_t cursor = 0;
        for (int i = 0; i < MAX_LISTED; i++) {
            const struct type *type = provider->next(provider, (enum type_space)space, &cursor);
            if (!type)
                break;
            found(&walk, type);
        }
    }
    walk_on(&walk);
}

static void find_all(struct walk *walk, const char *name)
{
    static const struct {
        const char *before;
        const char *behind;
    } forms[] = {{"", ""},
                 {"struct ", ""},
                 {"union ", ""},
                 {"enum ", ""},
                 {"", " *[3]"},
                 {"struct ", "#1"},
                 {"struct ", " (*)(int, struct x *, ...)"}};
    struct error err = {0};
    const struct type *type;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        char text[MAX_NAME + 64];
        snprintf(text, sizeof(text), "%s%s%s", forms[i].before, name, forms[i].behind);
        type = types_find(text, &err);
        if (type)
            found(walk, type);
        else
            check_error(&err);
    }
    int64_t value;
    types_find_enumerator(name, &value);
    type = types_find_variable(name, &err);
    if (type) {
        found(walk, type);
        const struct type *pointer = types_pointer_to(type, &err);
        FUZZ_CHECK(pointer && types_pointer_to(type, &err) == pointer);
        found(walk, pointer);
    }
    type = types_find_function(name, &err);
    if (type)
        found(walk, type);
}

void fuzz_walk_names(const char *const *names, size_t count)
{
    struct walk walk SCOPED(walk_clear) = {0};
    for (size_t i = 0; i < count; i++) {
        char cut[MAX_NAME];
        snprintf(cut, sizeof(cut), "%s", names[i]);
        find_all(&walk, cut);
    }
    walk_on(&walk);
}

void fuzz_walk_strings(const uint8_t *data, size_t size)
{
    struct walk walk SCOPED(walk_clear) = {0};
    char name[MAX_NAME];
    size_t length = 0;
    int strings = 0;
    for (size_t i = 0; i < size && strings < MAX_STRINGS; i++) {
        if (data[i] > ' ' && data[i] <= '~' && length + 1 < sizeof(name)) {
            name[length++] = (char)data[i];
            continue;
        }
        name[length] = '\0';
        if (length && !data[i]) {
            find_all(&walk, name);
            strings++;
        }
        length = 0;
    }
    walk_on(&walk);
}
