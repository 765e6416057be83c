// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/libdw.h"

#include <dlfcn.h>
#include <stddef.h>

const struct libdw *libdw;

static const struct {
    const char *name;
    size_t offset; // of the pointer, in the table
} functions[] = {
#define X(name) {#name, offsetof(struct libdw, name)},
    LIBDW_FUNCTIONS(X)
#undef X
};

bool libdw_load(struct error *err)
{
    static struct libdw table;
    if (libdw)
        return true;
    // Its names are its own business: RTLD_LOCAL. Those of libelf are found through it as well.
    void *library = dlopen("libdw.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (!library)
        return error_set(err, ERR_TYPE, "libdw.so.1 is not installed (package libdw1)");
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function) {
            dlclose(library);
            return error_set(err, ERR_TYPE, "libdw.so.1 is too old: it has no %s",
                             functions[i].name);
        }
        *(void **)((char *)&table + functions[i].offset) = function;
    }
    table.elf_version(EV_CURRENT);
    libdw = &table;
    return true;
}
