// SPDX-License-Identifier: GPL-3.0-or-later
// Files that may be a module's: whose they are, and whether they have debug information.
#ifndef MPYKDUMP_TYPES_MODULE_FILE_H
#define MPYKDUMP_TYPES_MODULE_FILE_H

#include "types/module_image.h"
#include "types/types.h"

// What a file is to a module of a kernel; unless it fits, one line says why not. `identity` is that
// of a file that fits.
enum module_file_kind module_file_check(const char *path, const struct module_image *module,
                                        const char *release, struct dwarf_identity *identity,
                                        struct error *reason);

#endif
