// SPDX-License-Identifier: GPL-3.0-or-later
// Types of the kernel's modules from their debug files, for what the kernel's own types and the BTF
// in the dump do not have.
//
// A file is that which crash has loaded for the module (`mod -s`), else one that lies where debug
// files lie; it must be of the very module that is in the dump. The first question that the kernel
// has no answer to makes all of them known, by their indexes; a file itself is read when something
// is found in it.
#ifndef MPYKDUMP_TYPES_MODULES_H
#define MPYKDUMP_TYPES_MODULES_H

#include "types/module_file.h"
#include "types/provider.h"

// The type of a module of which the kernel has no types otherwise. NULL if there is none, and with
// ERR_INTERRUPTED when looking for it was given up.
const struct type *modules_find(struct type_provider *kernel, enum type_space space,
                                const char *name, struct error *err);

// The type of a variable, by the debug file of the module that it is in; likewise.
const struct type *modules_find_variable(struct type_provider *kernel, const char *name,
                                         struct error *err);

// The definition in a file that is known already, if just one has it.
const struct type *modules_find_loaded(enum type_space space, const char *name);

// As types_module_file.
enum module_file_kind modules_check(struct type_provider *kernel, const char *module, char **path,
                                    struct error *err);

void modules_reset(void);

#endif
