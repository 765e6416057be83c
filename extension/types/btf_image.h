// SPDX-License-Identifier: GPL-3.0-or-later
// BTF in the dump's memory: the kernel's own, and that of its modules, which need no files then.
#ifndef MPYKDUMP_TYPES_BTF_IMAGE_H
#define MPYKDUMP_TYPES_BTF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "types/provider.h"

// The kernel's BTF; the bytes are the caller's to free. NULL with ERR_TYPE when it has none.
void *btf_image_kernel(size_t *size, struct error *err);

// Calls visit with the BTF of each loaded module; the bytes are valid until it returns. The layout
// of the kernel's list of them is what `kernel` knows. A damaged list ends early.
typedef void (*btf_image_visitor)(const char *name, const void *bytes, size_t size, void *context);
void btf_image_modules(struct type_provider *kernel, btf_image_visitor visit, void *context);

#endif
