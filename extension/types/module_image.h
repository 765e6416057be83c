// SPDX-License-Identifier: GPL-3.0-or-later
// The modules that the kernel has loaded, as its own list has them: what tells their files.
#ifndef MPYKDUMP_TYPES_MODULE_IMAGE_H
#define MPYKDUMP_TYPES_MODULE_IMAGE_H

#include "types/dwarf_file.h"
#include "types/provider.h"

enum { MODULE_NAME_SIZE = 64, MODULE_VERSION_SIZE = 64 };

struct module_image {
    char name[MODULE_NAME_SIZE];
    uint8_t build_id[BUILD_ID_MAX];
    size_t build_id_size;                 // 0: the dump does not tell
    char srcversion[MODULE_VERSION_SIZE]; // "" for most modules
};

// Calls `visit` for each module that can be read. `kernel` knows the types that this takes; where
// it does not, or the list is damaged, there are fewer.
typedef void (*module_image_visitor)(const struct module_image *module, void *context);
void module_image_each(struct type_provider *kernel, module_image_visitor visit, void *context);

// The build ID within the bytes of an ELF note. False if it is another note.
bool module_image_build_id(const void *note, size_t size, struct module_image *module);

#endif
