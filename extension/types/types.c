// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/types.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/map.h"
#include "host/host.h"
#include "types/provider.h"

enum { MAX_NAME = 512, MAX_STARS = 8, MAX_DIMENSIONS = 8 };

// A provider that is opened when it is first needed, and not tried again when it cannot be.
struct source {
    const char *name; // as PYKDUMP_TYPES has it
    struct type_provider *(*open)(const char *namelist, struct error *err);
    bool tried;
    struct type_provider *provider;
    struct error reason; // why there is none
};

// In the order in which they are asked. One that knows types is not second-guessed by the next:
// what it does not know does not exist, and a miss stays cheap. Variables are asked of all, since
// BTF has those of per-CPU data only.
static struct source sources[] = {
    {.name = "btf", .open = btf_provider_new},
    {.name = "dwarf", .open = dwarf_provider_new},
};

enum { SOURCES = sizeof(sources) / sizeof(*sources) };

static struct {
    const char *only;    // the one source that may be used, NULL for all
    struct map pointers; // target -> pointer to it
    struct array arrays; // those made for names, to be freed
} registry;

bool types_choose(const char *name, struct error *err)
{
    bool all = !name || !*name || !strcmp(name, "auto");
    const char *chosen = NULL;
    for (int i = 0; !all && i < SOURCES; i++) {
        if (!strcmp(sources[i].name, name))
            chosen = sources[i].name;
    }
    if (!all && !chosen)
        return error_set(err, ERR_VALUE, "there is no source of types %s", name);
    types_reset();
    registry.only = chosen;
    return true;
}

static struct type_provider *source_open(struct source *source)
{
    if (registry.only && strcmp(registry.only, source->name) != 0)
        return NULL;
    if (!source->tried) {
        struct host_info info;
        host_info_get(&info);
        source->reason.code = ERR_NONE;
        source->provider = source->open(info.namelist, &source->reason);
        // Who was interrupted may try again.
        source->tried = source->reason.code != ERR_INTERRUPTED;
    }
    return source->provider;
}

// The provider that answers for types; if there is none, why the first could not be opened.
static struct type_provider *provider_get(struct error *err)
{
    for (int i = 0; i < SOURCES; i++) {
        struct type_provider *provider = source_open(&sources[i]);
        if (provider)
            return provider;
    }
    const struct error *reason = NULL;
    for (int i = 0; i < SOURCES; i++) {
        enum error_code code = sources[i].reason.code;
        if (code == ERR_INTERRUPTED || (code != ERR_NONE && !reason))
            reason = &sources[i].reason;
    }
    if (err && reason)
        *err = *reason;
    return NULL;
}

const char *types_provider(void)
{
    struct type_provider *provider = provider_get(NULL);
    return provider ? provider->origin : NULL;
}

const struct type *types_find_variable(const char *name, struct error *err)
{
    const struct type *type = NULL;
    err->code = ERR_NONE;
    for (int i = 0; !type && i < SOURCES; i++) {
        struct type_provider *provider = source_open(&sources[i]);
        if (provider && provider->find_variable)
            type = provider->find_variable(provider, name);
        if (!provider && sources[i].reason.code == ERR_INTERRUPTED) {
            *err = sources[i].reason;
            return NULL;
        }
    }
    return type;
}

const struct type *types_next(enum type_space space, size_t *cursor, struct error *err)
{
    struct type_provider *provider = provider_get(err);
    if (!provider)
        return NULL;
    err->code = ERR_NONE;
    return provider->next(provider, space, cursor);
}

bool types_find_enumerator(const char *name, int64_t *value)
{
    struct type_provider *provider = provider_get(NULL);
    if (provider && provider->find_enumerator)
        return provider->find_enumerator(provider, name, value);
    return host_enumerator(name, value);
}

const struct type *types_pointer_to(const struct type *target, struct error *err)
{
    struct type *pointer = map_get(&registry.pointers, (uintptr_t)target);
    if (pointer)
        return pointer;
    pointer = calloc(1, sizeof(*pointer));
    if (pointer && map_put(&registry.pointers, (uintptr_t)target, pointer)) {
        *pointer = (struct type){
            .kind = TYPE_POINTER, .size = sizeof(uint64_t), .target = target, .complete = true};
        return pointer;
    }
    free(pointer);
    error_set_no_memory(err);
    return NULL;
}

// The words that base types are made of, and how often each occurs in a name.
struct base_words {
    int is_unsigned, is_signed, shorts, longs, ints, chars, others;
};

static void count_word(struct base_words *words, const char *word)
{
    if (!strcmp(word, "unsigned"))
        words->is_unsigned++;
    else if (!strcmp(word, "signed"))
        words->is_signed++;
    else if (!strcmp(word, "short"))
        words->shorts++;
    else if (!strcmp(word, "long"))
        words->longs++;
    else if (!strcmp(word, "int"))
        words->ints++;
    else if (!strcmp(word, "char"))
        words->chars++;
    else
        words->others++;
}

// "unsigned long" and "long unsigned int" are one type; compilers write the second.
static const char *base_name(const char *name)
{
    char copy[MAX_NAME];
    struct base_words words = {0};
    char *rest = copy;

    strcpy(copy, name);
    for (char *word; (word = strsep(&rest, " \t"));) {
        if (*word)
            count_word(&words, word);
    }
    if (words.others || !*name)
        return name;
    if (words.chars)
        return words.is_unsigned ? "unsigned char" : words.is_signed ? "signed char" : "char";
    if (words.shorts)
        return words.is_unsigned ? "short unsigned int" : "short int";
    if (words.longs > 1)
        return words.is_unsigned ? "long long unsigned int" : "long long int";
    if (words.longs)
        return words.is_unsigned ? "long unsigned int" : "long int";
    return words.is_unsigned ? "unsigned int" : "int";
}

static const struct type *find_plain(struct type_provider *provider, const char *name)
{
    if (!strncmp(name, "struct ", 7))
        return provider->find(provider, TYPE_SPACE_STRUCT, name + 7);
    if (!strncmp(name, "union ", 6))
        return provider->find(provider, TYPE_SPACE_UNION, name + 6);
    if (!strncmp(name, "enum ", 5))
        return provider->find(provider, TYPE_SPACE_ENUM, name + 5);
    if (!strcmp(name, "void"))
        return &type_void;
    return provider->find(provider, TYPE_SPACE_ORDINARY, base_name(name));
}

// What stands behind a plain name: stars, then dimensions, as type_format writes them.
struct declarator {
    int stars;
    int dimensions;
    uint64_t lengths[MAX_DIMENSIONS];
};

// Takes "[N]" from the end of a name.
static bool strip_dimension(char *name, uint64_t *length)
{
    char *open = strrchr(name, '[');
    char *end;
    if (!open)
        return false;
    *length = strtoull(open + 1, &end, 10);
    if (strcmp(end, "]") != 0)
        return false;
    *open = '\0';
    return true;
}

// Takes the declarator from the end of a name; false when it is none that we know.
static bool strip_declarator(char *name, struct declarator *declarator)
{
    *declarator = (struct declarator){0};
    for (size_t n; (n = strlen(name));) {
        char last = name[n - 1];
        if (last == ' ') {
            name[n - 1] = '\0';
        } else if (last == '*') {
            name[n - 1] = '\0';
            if (++declarator->stars > MAX_STARS)
                return false;
        } else if (last == ']') {
            // Dimensions follow all stars, else they are part of something more complicated.
            if (declarator->stars || declarator->dimensions == MAX_DIMENSIONS ||
                !strip_dimension(name, &declarator->lengths[declarator->dimensions++]))
                return false;
        } else {
            return true;
        }
    }
    return false;
}

static const struct type *types_array_of(const struct type *element, uint64_t length,
                                         struct error *err)
{
    struct type *array;
    for (size_t i = 0; i < registry.arrays.count; i++) {
        array = (struct type *)(uintptr_t)registry.arrays.items[i];
        if (array->target == element && array->length == length)
            return array;
    }
    array = calloc(1, sizeof(*array));
    if (!array || !array_append(&registry.arrays, (uintptr_t)array)) {
        free(array);
        error_set_no_memory(err);
        return NULL;
    }
    *array =
        (struct type){.kind = TYPE_ARRAY, .length = length, .target = element, .complete = true};
    if (__builtin_mul_overflow(length, element->size, &array->size))
        array->size = 0;
    return array;
}

const struct type *types_find(const char *name, struct error *err)
{
    struct type_provider *provider = provider_get(err);
    if (!provider)
        return NULL;
    char plain[MAX_NAME];
    struct declarator declarator = {0};
    const struct type *type = NULL;
    size_t length = strlen(name);
    if (length < sizeof(plain)) {
        memcpy(plain, name, length + 1);
        if (strip_declarator(plain, &declarator))
            type = find_plain(provider, plain);
    }
    if (!type) {
        error_set(err, ERR_TYPE, "no type %.256s", name);
        return NULL;
    }
    for (int i = 0; type && i < declarator.stars; i++)
        type = types_pointer_to(type, err);
    // The last dimension was stripped first, and is the innermost.
    for (int i = 0; type && i < declarator.dimensions; i++)
        type = types_array_of(type, declarator.lengths[i], err);
    return type;
}

void types_reset(void)
{
    for (size_t i = 0; registry.pointers.slots && i <= registry.pointers.mask; i++)
        free(registry.pointers.slots[i].value);
    map_clear(&registry.pointers);
    for (size_t i = 0; i < registry.arrays.count; i++)
        free((void *)(uintptr_t)registry.arrays.items[i]);
    array_clear(&registry.arrays);
    for (int i = 0; i < SOURCES; i++) {
        if (sources[i].provider)
            sources[i].provider->free(sources[i].provider);
        sources[i].provider = NULL;
        sources[i].tried = false;
        sources[i].reason.code = ERR_NONE;
    }
}
