// SPDX-License-Identifier: GPL-3.0-or-later
// Where files of modules lie: where crash looks for them, and around the namelist.
//
// In this order: by build ID below /usr/lib/debug/.build-id; then, if crash was told a folder
// (--mod, CRASH_MODULE_PATH), in that alone; else where distributions put debug information of the
// kernel's release, in the same places relative to the namelist, and in /lib/modules.
#ifndef MPYKDUMP_TYPES_MODULE_SEARCH_H
#define MPYKDUMP_TYPES_MODULE_SEARCH_H

#include "types/module_image.h"

// Calls `visit` for each file that may be the module's, the best first, until it returns true.
// ERR_INTERRUPTED if the search was given up.
typedef bool (*module_search_visitor)(const char *path, void *context);
bool module_search(const struct module_image *module, module_search_visitor visit, void *context,
                   struct error *err);

// Whether the names of two modules are the same: "-" and "_" do not differ.
bool module_names_match(const char *one, const char *other, size_t length);

// Forgets which files there are.
void module_search_reset(void);

#endif
