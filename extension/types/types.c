// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/types.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "host/host.h"
#include "types/provider.h"

enum { MAX_NAME = 512, MAX_STARS = 8 };

static struct {
    struct type_provider *provider;
    bool tried;          // no second attempt at what failed
    struct error reason; // why there is none
    struct map pointers; // target -> pointer to it
} registry;

static struct type_provider *provider_get(struct error *err)
{
    if (!registry.tried) {
        struct host_info info;
        host_info_get(&info);
        registry.tried = true;
        registry.provider = btf_provider_new(info.namelist, &registry.reason);
    }
    if (!registry.provider && err)
        *err = registry.reason;
    return registry.provider;
}

const char *types_provider(void)
{
    return registry.provider ? registry.provider->origin : NULL;
}

const struct type *types_find_variable(const char *name)
{
    struct type_provider *provider = provider_get(NULL);
    return provider ? provider->find_variable(provider, name) : NULL;
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

// Takes stars and blanks from the end of a name; the number of stars, or -1 for too many.
static int strip_stars(char *name)
{
    int stars = 0;
    for (size_t n = strlen(name); n; n--) {
        char last = name[n - 1];
        if (last == '*')
            stars++;
        else if (last != ' ')
            break;
        name[n - 1] = '\0';
    }
    return stars > MAX_STARS ? -1 : stars;
}

const struct type *types_find(const char *name, struct error *err)
{
    struct type_provider *provider = provider_get(err);
    if (!provider)
        return NULL;
    char plain[MAX_NAME];
    size_t length = strlen(name);
    int stars = -1;
    if (length < sizeof(plain)) {
        memcpy(plain, name, length + 1);
        stars = strip_stars(plain);
    }
    const struct type *type = stars < 0 ? NULL : find_plain(provider, plain);
    if (!type) {
        error_set(err, ERR_TYPE, "no type %.256s", name);
        return NULL;
    }
    for (; stars && type; stars--)
        type = types_pointer_to(type, err);
    return type;
}

void types_reset(void)
{
    for (size_t i = 0; registry.pointers.slots && i <= registry.pointers.mask; i++)
        free(registry.pointers.slots[i].value);
    map_clear(&registry.pointers);
    if (registry.provider)
        registry.provider->free(registry.provider);
    registry.provider = NULL;
    registry.tried = false;
}
