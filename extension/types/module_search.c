// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/module_search.h"

#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "host/host.h"

enum {
    MAX_ENTRIES = 1 << 18, // looked at in all folders
    MAX_FOLDERS = 8,
    ENTRIES_PER_LOOK = 1 << 10, // between two looks for Ctrl-C
};

// The end of a file's name, in the order in which files of one folder are taken. What is compressed
// is found so that one can be told.
static const char *const suffixes[] = {".ko.debug", ".ko", ".ko.xz", ".ko.zst", ".ko.gz"};

// Paths of all files of modules, each made by strdup, folder after folder.
static struct {
    bool done;
    struct array paths;
} found;

bool module_names_match(const char *one, const char *other, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool dash = (one[i] == '-' || one[i] == '_') && (other[i] == '-' || other[i] == '_');
        if (one[i] != other[i] && !dash)
            return false;
        if (!one[i])
            return true;
    }
    return true;
}

// The length of a module's name in that of a file, 0 if it is not one.
static size_t stem_length(const char *name, size_t *suffix)
{
    const char *dot = strstr(name, ".ko");
    for (*suffix = 0; dot && *suffix < sizeof(suffixes) / sizeof(*suffixes); ++*suffix) {
        if (!strcmp(dot, suffixes[*suffix]))
            return (size_t)(dot - name);
    }
    return 0;
}

// ---- the folders --------------------------------------------------------------------------------

struct folders {
    char *paths[MAX_FOLDERS + 1]; // as fts wants them
    size_t count;
};

static void folders_free(struct folders *folders)
{
    for (size_t i = 0; i < folders->count; i++)
        free(folders->paths[i]);
}

// A folder that exists and was not named before.
static void add_folder(struct folders *folders, const char *path)
{
    char *real = realpath(path, NULL);
    bool known = !real || folders->count == MAX_FOLDERS;
    for (size_t i = 0; !known && i < folders->count; i++)
        known = !strcmp(folders->paths[i], real);
    if (known)
        free(real);
    else
        folders->paths[folders->count++] = real;
}

static void choose_folders(struct folders *folders)
{
    struct host_info info;
    char path[2 * PATH_MAX];
    host_info_get(&info);
    if (info.module_tree) {
        add_folder(folders, info.module_tree);
        return;
    }
    // A release that leads elsewhere is none.
    if (!*info.release || strchr(info.release, '/') || *info.release == '.')
        return;
    snprintf(path, sizeof(path), "/usr/lib/debug/lib/modules/%s", info.release);
    add_folder(folders, path);
    char *namelist AUTO_FREE = info.namelist ? realpath(info.namelist, NULL) : NULL;
    char *slash = namelist ? strrchr(namelist, '/') : NULL;
    if (slash) {
        *slash = '\0';
        // .../lib/modules/RELEASE/vmlinux, .../boot/vmlinux-RELEASE
        const char *last = strrchr(namelist, '/');
        if (last && !strcmp(last + 1, info.release))
            add_folder(folders, namelist);
        snprintf(path, sizeof(path), "%s/../lib/modules/%s", namelist, info.release);
        add_folder(folders, path);
    }
    snprintf(path, sizeof(path), "/lib/modules/%s", info.release);
    add_folder(folders, path);
}

static void take_file(const FTSENT *entry)
{
    size_t suffix;
    char *path = stem_length(entry->fts_name, &suffix) ? strdup(entry->fts_path) : NULL;
    if (path && !array_append(&found.paths, (uintptr_t)path))
        free(path);
}

static bool walk_folders(struct error *err)
{
    struct folders folders SCOPED(folders_free) = {0};
    choose_folders(&folders);
    // Links are not followed: where modules were built is not looked at.
    FTS *walk = folders.count ? fts_open(folders.paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    bool interrupted = false;
    FTSENT *entry;
    for (int i = 0; walk && i < MAX_ENTRIES && !interrupted && (entry = fts_read(walk)); i++) {
        if (entry->fts_info == FTS_F)
            take_file(entry);
        if (i % ENTRIES_PER_LOOK == 0)
            interrupted = host_interrupted();
    }
    if (walk)
        fts_close(walk);
    if (interrupted) {
        module_search_reset();
        return error_set(err, ERR_INTERRUPTED, "interrupted");
    }
    found.done = true;
    return true;
}

// ---- one module ---------------------------------------------------------------------------------

static bool visit_build_id(const struct module_image *module, module_search_visitor visit,
                           void *context)
{
    char path[128] = "/usr/lib/debug/.build-id/";
    size_t used = strlen(path);
    if (module->build_id_size < 2 || module->build_id_size > (sizeof(path) - used) / 3)
        return false;
    for (size_t i = 0; i < module->build_id_size; i++)
        used += (size_t)sprintf(path + used, i ? "%02x" : "%02x/", module->build_id[i]);
    snprintf(path + used, sizeof(path) - used, ".debug");
    return access(path, R_OK) == 0 && visit(path, context);
}

static bool visit_suffix(const char *name, size_t wanted, module_search_visitor visit,
                         void *context)
{
    for (size_t i = 0; i < found.paths.count; i++) {
        const char *path = (const char *)(uintptr_t)found.paths.items[i];
        const char *file = strrchr(path, '/') + 1;
        size_t suffix;
        size_t length = stem_length(file, &suffix);
        if (suffix == wanted && length == strlen(name) && module_names_match(file, name, length) &&
            visit(path, context))
            return true;
    }
    return false;
}

bool module_search(const struct module_image *module, module_search_visitor visit, void *context,
                   struct error *err)
{
    if (visit_build_id(module, visit, context))
        return true;
    if (!found.done && !walk_folders(err))
        return false;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        if (visit_suffix(module->name, i, visit, context))
            break;
    }
    return true;
}

void module_search_reset(void)
{
    for (size_t i = 0; i < found.paths.count; i++)
        free((void *)(uintptr_t)found.paths.items[i]);
    array_clear(&found.paths);
    found.done = false;
}
