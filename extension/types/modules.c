// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/host.h"
#include "types/module_search.h"

struct module {
    struct module_image image;
    bool has_btf;
    bool tried;                     // what follows is known
    char *given;                    // the file that the host had loaded then, or NULL
    char *path;                     // the file that fits, or the best that does not; NULL for none
    enum module_file_kind kind;     // of the path
    struct dwarf_identity identity; // of the path, if it fits
    struct error reason;            // why it does not fit
    struct type_provider *provider; // NULL: not needed yet, or not to be had
    bool opened;                    // there is a provider, or can be none
};

static struct {
    bool listed;
    uint64_t signature; // of the host's symbols, when it was last asked for files
    bool told;          // that files do not fit
    struct module *items;
    size_t count;
    size_t capacity;
    struct type_provider **retired; // of files that others have replaced: types may be in use
    size_t retired_count;
} modules;

// ---- which modules there are --------------------------------------------------------------------

static void list_one(const struct module_image *image, void *context)
{
    struct type_provider *kernel = context;
    if (modules.count == modules.capacity) {
        size_t capacity = modules.capacity ? 2 * modules.capacity : 64;
        struct module *items = reallocarray(modules.items, capacity, sizeof(*items));
        if (!items)
            return;
        modules.items = items;
        modules.capacity = capacity;
    }
    modules.items[modules.count++] = (struct module){
        .image = *image,
        .has_btf = kernel->has_module && kernel->has_module(kernel, image->name),
    };
}

static void module_forget_file(struct module *module)
{
    struct type_provider **retired =
        module->provider
            ? reallocarray(modules.retired, modules.retired_count + 1, sizeof(*retired))
            : NULL;
    if (retired) {
        modules.retired = retired;
        retired[modules.retired_count++] = module->provider;
    }
    free(module->given);
    free(module->path);
    *module = (struct module){.image = module->image, .has_btf = module->has_btf};
}

// What crash has loaded since is to be used, unless it is what is used already.
static void module_take_file(struct module *module, const char *given)
{
    bool same = given && module->given ? !strcmp(given, module->given) : given == module->given;
    if (!module->tried || same)
        return;
    char *path AUTO_FREE = given ? realpath(given, NULL) : NULL;
    if (!path || !module->path || strcmp(path, module->path) != 0) {
        module_forget_file(module);
        return;
    }
    free(module->given);
    module->given = strdup(given);
}

static void take_new_files(void)
{
    uint64_t signature = host_symbols_signature();
    if (modules.signature == signature)
        return;
    modules.signature = signature;
    for (size_t i = 0; i < modules.count; i++)
        module_take_file(&modules.items[i], host_module_file(modules.items[i].image.name));
}

static void list_all(struct type_provider *kernel)
{
    if (!modules.listed) {
        // First, since finding them asks for types, and must not come here again.
        modules.listed = true;
        module_image_each(kernel, list_one, kernel);
    }
    take_new_files();
}

static struct module *module_named(struct type_provider *kernel, const char *name)
{
    list_all(kernel);
    for (size_t i = 0; i < modules.count; i++) {
        if (module_names_match(modules.items[i].image.name, name, MODULE_NAME_SIZE))
            return &modules.items[i];
    }
    return NULL;
}

// ---- their files --------------------------------------------------------------------------------

static bool consider(const char *path, void *context)
{
    struct module *module = context;
    struct host_info info;
    struct error reason = {0};
    struct dwarf_identity identity;
    host_info_get(&info);
    enum module_file_kind kind =
        module_file_check(path, &module->image, info.release, &identity, &reason);
    // What is of another build is worth more words than what has nothing in it.
    bool better = !module->path || kind == MODULE_FILE_FITS ||
                  (module->kind == MODULE_FILE_STRIPPED && kind != MODULE_FILE_STRIPPED) ||
                  (module->kind == MODULE_FILE_UNUSABLE && kind == MODULE_FILE_FOREIGN);
    // The directory may be another one when it is read.
    if (better) {
        free(module->path);
        module->path = realpath(path, NULL);
        module->kind = kind;
        module->identity = identity;
        module->reason = reason;
    }
    return kind == MODULE_FILE_FITS;
}

static bool module_find_file(struct module *module, struct error *err)
{
    if (module->tried)
        return true;
    const char *given = host_module_file(module->image.name);
    free(module->given);
    module->given = given ? strdup(given) : NULL;
    if (given && !consider(given, module) && module->kind != MODULE_FILE_STRIPPED)
        fprintf(stderr, "mpykdump: not used for types: %s\n", module->reason.message);
    // What crash was given may be the module as it is installed, its debug information elsewhere.
    if ((!module->path || module->kind != MODULE_FILE_FITS) &&
        !module_search(&module->image, consider, module, err))
        return false;
    module->tried = true;
    return true;
}

static bool module_open(struct type_provider *kernel, struct module *module, struct error *err)
{
    if (!module_find_file(module, err))
        return false;
    if (module->opened)
        return true;
    if (!module->path || module->kind != MODULE_FILE_FITS) {
        module->opened = true;
        return true;
    }
    struct error reason = {0};
    const struct dwarf_identity *identity =
        module->identity.build_id_size ? &module->identity : NULL;
    struct type_provider *provider = dwarf_module_new(module->path, identity, kernel, &reason);
    if (!provider && reason.code == ERR_INTERRUPTED) {
        *err = reason;
        return false;
    }
    // A program's code may have run meanwhile, and hold types of one that it has opened.
    if (module->opened) {
        if (provider)
            provider->free(provider);
        return true;
    }
    module->provider = provider;
    module->opened = true;
    if (!provider)
        fprintf(stderr, "mpykdump: no types of the module %s: %s\n", module->image.name,
                reason.message);
    return true;
}

// One line, however many there are: the wrong package is installed.
static void tell_foreign(void)
{
    size_t count = 0;
    const struct module *first = NULL;
    for (size_t i = 0; i < modules.count; i++) {
        const struct module *module = &modules.items[i];
        if (module->has_btf || !module->path || module->kind != MODULE_FILE_FOREIGN ||
            host_module_file(module->image.name))
            continue;
        if (!count++)
            first = module;
    }
    if (!count || modules.told)
        return;
    modules.told = true;
    fprintf(stderr, "mpykdump: debug files of %zu module%s are not used: %s\n", count,
            count == 1 ? "" : "s", first->reason.message);
}

// ---- questions ----------------------------------------------------------------------------------

const struct type *modules_find(struct type_provider *kernel, enum type_space space,
                                const char *name, struct error *err)
{
    list_all(kernel);
    bool opened = false;
    for (size_t i = 0; i < modules.count; i++) {
        struct module *module = &modules.items[i];
        if (module->has_btf)
            continue;
        opened = opened || !module->opened;
        if (!module_open(kernel, module, err))
            return NULL;
    }
    if (opened)
        tell_foreign();
    for (size_t i = 0; i < modules.count; i++) {
        struct type_provider *provider = modules.items[i].provider;
        const struct type *type = provider ? provider->find(provider, space, name) : NULL;
        if (type)
            return type;
    }
    return NULL;
}

const struct type *modules_find_loaded(enum type_space space, const char *name)
{
    const struct type *only = NULL;
    for (size_t i = 0; i < modules.count; i++) {
        struct type_provider *provider = modules.items[i].provider;
        const struct type *type = provider ? provider->find(provider, space, name) : NULL;
        if (type && only)
            return NULL;
        if (type)
            only = type;
    }
    return only;
}

const struct type *modules_find_variable(struct type_provider *kernel, const char *name,
                                         struct error *err)
{
    struct host_symbol symbol;
    const char *owner = host_symbol_find(name, &symbol) ? host_module_at(symbol.address) : NULL;
    struct module *module = owner ? module_named(kernel, owner) : NULL;
    if (!module || !module_open(kernel, module, err) || !module->provider)
        return NULL;
    return module->provider->find_variable(module->provider, name);
}

enum module_file_kind modules_check(struct type_provider *kernel, const char *name, char **path,
                                    struct error *err)
{
    struct module *module = module_named(kernel, name);
    if (!module) {
        error_set(err, ERR_VALUE, "%.128s is not a module of this kernel", name);
        return MODULE_FILE_UNUSABLE;
    }
    if (*path) {
        struct host_info info;
        struct dwarf_identity identity;
        host_info_get(&info);
        return module_file_check(*path, &module->image, info.release, &identity, err);
    }
    if (!module_find_file(module, err))
        return MODULE_FILE_UNUSABLE;
    *path = module->path ? strdup(module->path) : NULL;
    if (module->kind != MODULE_FILE_FITS)
        *err = module->reason;
    return module->kind;
}

void modules_reset(void)
{
    for (size_t i = 0; i < modules.count; i++) {
        if (modules.items[i].provider)
            modules.items[i].provider->free(modules.items[i].provider);
        free(modules.items[i].given);
        free(modules.items[i].path);
    }
    for (size_t i = 0; i < modules.retired_count; i++)
        modules.retired[i]->free(modules.retired[i]);
    free(modules.items);
    free(modules.retired);
    memset(&modules, 0, sizeof(modules));
    module_search_reset();
}
