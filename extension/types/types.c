// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/message.h"
#include "host/host.h"
#include "types/cdecl.h"
#include "types/modules.h"
#include "types/path.h"
#include "types/provider.h"

enum { MAX_NESTING = 16 }; // of functions that take functions

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
    {.name = "gdb", .open = gdb_provider_new},
};

enum { SOURCES = sizeof(sources) / sizeof(*sources), DWARF = 1, GDB = SOURCES - 1 };

static struct {
    const char *only;       // the one source that may be used, NULL for all
    bool configured;        // by types_choose
    struct map pointers;    // target -> pointer to it
    struct array arrays;    // those made for names, to be freed
    struct array functions; // likewise
    int nesting;            // of types_declared
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
    // Classes and readers hold on to types: they go only when they must.
    if (registry.configured && registry.only == chosen)
        return true;
    types_reset();
    registry.only = chosen;
    registry.configured = true;
    return true;
}

static struct type_provider *source_open_any(struct source *source)
{
    if (!source->tried) {
        struct host_info info;
        host_info_get(&info);
        source->reason.code = ERR_NONE;
        struct type_provider *opened = source->open(info.namelist, &source->reason);
        // A program's code may have run meanwhile, and hold types of one that it has opened.
        if (source->provider) {
            if (opened)
                opened->free(opened);
            return source->provider;
        }
        source->provider = opened;
        // Who was interrupted may try again.
        source->tried = source->reason.code != ERR_INTERRUPTED;
    }
    return source->provider;
}

static struct type_provider *source_open(struct source *source)
{
    if (registry.only && strcmp(registry.only, source->name) != 0)
        return NULL;
    return source_open_any(source);
}

// Why there is no provider: what each source says, or that the user gave up waiting for one.
static void explain(struct error *err)
{
    *err = (struct error){0};
    for (int i = 0; i < SOURCES; i++) {
        const struct error *reason = &sources[i].reason;
        size_t used = strlen(err->message);
        if (err->code == ERR_NONE || reason->code == ERR_INTERRUPTED)
            *err = *reason;
        else if (err->code != ERR_INTERRUPTED && reason->code != ERR_NONE)
            snprintf(err->message + used, sizeof(err->message) - used, "; %s", reason->message);
    }
}

// The provider that answers for types; NULL with the reasons if there is none.
static struct type_provider *provider_get(struct error *err)
{
    for (int i = 0; i < SOURCES; i++) {
        struct type_provider *provider = source_open(&sources[i]);
        if (provider)
            return provider;
    }
    if (err)
        explain(err);
    return NULL;
}

const char *types_provider(void)
{
    struct type_provider *provider = provider_get(NULL);
    return provider ? provider->origin : NULL;
}

// Whether debug files of modules may be read. gdb knows those that crash has loaded by itself.
static bool modules_allowed(const struct type_provider *provider)
{
    return strcmp(provider->name, sources[GDB].name) != 0 &&
           (!registry.only || !strcmp(registry.only, sources[DWARF].name));
}

static const struct type *find_in_modules(const char *name, struct error *err)
{
    struct type_provider *provider = provider_get(NULL);
    return provider && modules_allowed(provider) ? modules_find_variable(provider, name, err)
                                                 : NULL;
}

static const struct type *find_variable(const char *name, struct error *err)
{
    const struct type *type = NULL;
    err->code = ERR_NONE;
    for (int i = 0; !type && i < SOURCES; i++) {
        // gdb is slow, and comes last.
        if (i == GDB && (type = find_in_modules(name, err)))
            break;
        if (err->code == ERR_INTERRUPTED)
            return NULL;
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

static const struct type *find_function(const char *name, struct error *err)
{
    struct type_provider *provider = provider_get(err);
    if (!provider)
        return NULL;
    err->code = ERR_NONE;
    return provider->find_function ? provider->find_function(provider, name) : NULL;
}

static const struct type *find_expression(const char *text, struct error *err)
{
    // Whatever types are taken from: of gdb come the names alone.
    struct type_provider *provider = source_open_any(&sources[GDB]);
    for (const char *c = text; *c; c++) {
        if (*c < ' ')
            provider = NULL;
    }
    if (provider)
        return gdb_provider_expression(provider, text, err);
    error_set(err, ERR_TYPE, "no type of %.256s", text);
    return NULL;
}

const struct type *types_next(enum type_space space, size_t *cursor, struct error *err)
{
    struct type_provider *provider = provider_get(err);
    if (!provider)
        return NULL;
    err->code = ERR_NONE;
    if (provider->next)
        return provider->next(provider, space, cursor);
    error_set(err, ERR_TYPE, "%s cannot list the types it knows", provider->origin);
    return NULL;
}

static bool find_enumerator(const char *name, int64_t *value)
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

// The definition of that number, counted from 0, among those of one name.
static const struct type *find_numbered(struct type_provider *provider, enum type_space space,
                                        const char *tag, unsigned long number)
{
    size_t cursor = 0;
    const struct type *type;
    while (provider->next && (type = provider->next(provider, space, &cursor))) {
        if (type->name && !strcmp(type->name, tag) && !number--)
            return type;
    }
    return NULL;
}

// `number` is that of one definition among several, NULL for the first. With ERR_INTERRUPTED if
// looking for it was given up.
static const struct type *find_base(struct type_provider *provider, const struct cdecl *decl,
                                    const unsigned long *number, struct error *err)
{
    static const enum type_space spaces[] = {
        [CDECL_ORDINARY] = TYPE_SPACE_ORDINARY,
        [CDECL_STRUCT] = TYPE_SPACE_STRUCT,
        [CDECL_UNION] = TYPE_SPACE_UNION,
        [CDECL_ENUM] = TYPE_SPACE_ENUM,
    };
    if (decl->base == CDECL_ORDINARY && !strcmp(decl->tag, "void"))
        return &type_void;
    if (number)
        return find_numbered(provider, spaces[decl->base], decl->tag, *number);
    const struct type *type = provider->find(provider, spaces[decl->base], decl->tag);
    if (!type && modules_allowed(provider))
        type = modules_find(provider, spaces[decl->base], decl->tag, err);
    return type;
}

static const struct type *array_of(const struct type *element, uint64_t length, struct error *err)
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

// ---- functions ----------------------------------------------------------------------------------

static const struct type *function_known(const struct type *wanted)
{
    for (size_t i = 0; i < registry.functions.count; i++) {
        const struct type *known = (struct type *)(uintptr_t)registry.functions.items[i];
        if (known->target == wanted->target && known->variadic == wanted->variadic &&
            known->count == wanted->count &&
            (!wanted->count || !memcmp(known->parameters, wanted->parameters,
                                       wanted->count * sizeof(*wanted->parameters))))
            return known;
    }
    return NULL;
}

static const struct type *function_of(const struct type *returned, const struct cdecl_link *link,
                                      struct error *err)
{
    struct array parameters SCOPED(array_clear) = {0};
    struct type wanted = {.kind = TYPE_FUNCTION, .target = returned, .complete = true};
    struct clexer lexer;
    struct cdecl decl;
    clexer_begin(&lexer, link->parameters, link->parameters_length);
    while (cdecl_take_parameter(&lexer, &decl, &wanted.variadic)) {
        const struct type *type = types_declared(&decl, err);
        if (!array_append(&parameters, (uintptr_t)(type ? type : &type_void))) {
            error_set_no_memory(err);
            return NULL;
        }
    }
    wanted.parameters = (const struct type *const *)(uintptr_t)parameters.items;
    wanted.count = parameters.count;
    const struct type *known = function_known(&wanted);
    if (known)
        return known;
    struct type *made = malloc(sizeof(*made));
    if (!made || !array_append(&registry.functions, (uintptr_t)made)) {
        free(made);
        error_set_no_memory(err);
        return NULL;
    }
    *made = wanted;
    parameters.items = NULL;
    return made;
}

// ---- names and declarations ---------------------------------------------------------------------

static const struct type *derive(const struct type *type, const struct cdecl *decl,
                                 struct error *err)
{
    for (size_t i = decl->count; type && i-- > 0;) {
        switch (decl->links[i].kind) {
        case CDECL_POINTER:
            type = types_pointer_to(type, err);
            break;
        case CDECL_ARRAY:
            type = array_of(type, decl->links[i].length, err);
            break;
        case CDECL_FUNCTION:
            type = function_of(type, &decl->links[i], err);
            break;
        }
    }
    return type;
}

const struct type *types_declared(const struct cdecl *decl, struct error *err)
{
    const struct type *type = NULL;
    struct type_provider *provider = provider_get(err);
    if (!provider)
        return NULL;
    error_set(err, ERR_TYPE, "no type %.256s", decl->tag);
    if (provider->declared)
        return provider->declared(provider, decl);
    if (registry.nesting++ < MAX_NESTING && *decl->tag)
        type = find_base(provider, decl, NULL, err);
    if (type)
        type = derive(type, decl, err);
    registry.nesting--;
    return type;
}

static const struct type *find_named(const char *name, struct error *err)
{
    struct cdecl decl;
    struct type_provider *provider = provider_get(err);
    if (!provider)
        return NULL;
    const struct type *type = NULL;
    err->code = ERR_NONE;
    const char *mark = strchr(name, '#');
    char *end = NULL;
    unsigned long number = mark ? strtoul(mark + 1, &end, 10) : 0;
    bool parsed = cdecl_parse_type(name, mark ? (size_t)(mark - name) : strlen(name), &decl);
    if (parsed && (!mark || (end > mark + 1 && !*end)))
        type = find_base(provider, &decl, mark ? &number : NULL, err);
    if (type)
        return derive(type, &decl, err);
    if (err->code != ERR_INTERRUPTED)
        error_set(err, ERR_TYPE, "no type %.256s", name);
    return NULL;
}

// ---- the questions, which may be watched
// ---------------------------------------------------------

static const struct type *ask(const struct type *(*find)(const char *, struct error *),
                              const char *what, const char *name, struct error *err)
{
    struct message message = {.kind = MESSAGE_TYPE, .what = what, .text = name};
    message_send(&message);
    const struct type *type = find(name, err);
    message.number = type ? type->size : 0;
    return message_receive(&message, type != NULL, err) ? type : NULL;
}

const struct type *types_find(const char *name, struct error *err)
{
    return ask(find_named, "type", name, err);
}

const struct type *types_find_variable(const char *name, struct error *err)
{
    return ask(find_variable, "variable", name, err);
}

const struct type *types_find_function(const char *name, struct error *err)
{
    return ask(find_function, "function", name, err);
}

const struct type *types_find_expression(const char *text, struct error *err)
{
    return ask(find_expression, "expression", text, err);
}

bool types_find_enumerator(const char *name, int64_t *value)
{
    struct message message = {.kind = MESSAGE_TYPE, .what = "enumerator", .text = name};
    message_send(&message);
    bool found = find_enumerator(name, value);
    message.number = found ? (uint64_t)*value : 0;
    return message_receive(&message, found, NULL);
}

enum module_file_kind types_module_file(const char *module, char **path, struct error *err)
{
    struct type_provider *provider = provider_get(err);
    return provider ? modules_check(provider, module, path, err) : MODULE_FILE_UNUSABLE;
}

void types_reset(void)
{
    path_forget();
    modules_reset();
    for (size_t i = 0; registry.pointers.slots && i <= registry.pointers.mask; i++)
        free(registry.pointers.slots[i].value);
    map_clear(&registry.pointers);
    for (size_t i = 0; i < registry.arrays.count; i++)
        free((void *)(uintptr_t)registry.arrays.items[i]);
    array_clear(&registry.arrays);
    for (size_t i = 0; i < registry.functions.count; i++) {
        struct type *function = (struct type *)(uintptr_t)registry.functions.items[i];
        free((void *)function->parameters);
        free(function);
    }
    array_clear(&registry.functions);
    for (int i = 0; i < SOURCES; i++) {
        if (sources[i].provider)
            sources[i].provider->free(sources[i].provider);
        sources[i].provider = NULL;
        sources[i].tried = false;
        sources[i].reason.code = ERR_NONE;
    }
}
