// SPDX-License-Identifier: GPL-3.0-or-later
// What the image says of itself, and answers that a real host computes with its own code.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_image/image.h"

struct path {
    uint64_t dentry;
    uint64_t mount;
    char *text;
};

struct enumerator {
    char *name;
    int64_t value;
};

static struct image_info info;
static struct path paths[IMAGE_MAX];
static size_t path_count;
static struct enumerator enumerators[IMAGE_MAX];
static size_t enumerator_count;

struct image_info *image_info(void)
{
    return &info;
}

void host_info_get(struct host_info *out)
{
    *out = (struct host_info){
        .dump_file = info.dump_file,
        .namelist = info.namelist,
        .module_tree = info.module_tree,
        .machine = "X86_64",
        .release = "0.0.0-image",
        .host_version = "image",
        .host_built = "image",
        .live = info.live,
        .cpus = info.cpus,
        .hz = info.hz,
        .page_shift = 12,
    };
}

bool image_path_add(uint64_t dentry, uint64_t mount, const char *path, struct error *err)
{
    if (path_count == IMAGE_MAX)
        return error_set(err, ERR_VALUE, "more than %d paths", IMAGE_MAX);
    char *text = strdup(path);
    if (!text)
        return error_set_no_memory(err);
    paths[path_count++] = (struct path){.dentry = dentry, .mount = mount, .text = text};
    return true;
}

bool host_path(uint64_t dentry, uint64_t mount, char *path, size_t size, struct error *err)
{
    for (size_t i = 0; i < path_count; i++) {
        if (paths[i].dentry == dentry && paths[i].mount == mount) {
            snprintf(path, size, "%s", paths[i].text);
            return true;
        }
    }
    return error_set_at(err, ERR_FAULT, dentry,
                        "no path for dentry 0x%" PRIx64 " on mount 0x%" PRIx64, dentry, mount);
}

bool image_enumerator_add(const char *name, int64_t value, struct error *err)
{
    if (enumerator_count == IMAGE_MAX)
        return error_set(err, ERR_VALUE, "more than %d enumerators", IMAGE_MAX);
    char *copy = strdup(name);
    if (!copy)
        return error_set_no_memory(err);
    enumerators[enumerator_count++] = (struct enumerator){.name = copy, .value = value};
    return true;
}

bool host_enumerator(const char *name, int64_t *value)
{
    for (size_t i = 0; i < enumerator_count; i++) {
        if (!strcmp(enumerators[i].name, name)) {
            *value = enumerators[i].value;
            return true;
        }
    }
    return false;
}

uint64_t host_uptime_jiffies(void)
{
    return info.uptime_jiffies;
}

void image_info_reset(void)
{
    free(info.dump_file);
    free(info.namelist);
    free(info.module_tree);
    info = (struct image_info){.cpus = 1, .hz = 250};
    for (size_t i = 0; i < path_count; i++)
        free(paths[i].text);
    for (size_t i = 0; i < enumerator_count; i++)
        free(enumerators[i].name);
    path_count = 0;
    enumerator_count = 0;
}
