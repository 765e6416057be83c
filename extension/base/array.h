// SPDX-License-Identifier: GPL-3.0-or-later
// A growing array of 64-bit words (addresses, pointers, numbers).
#ifndef MPYKDUMP_BASE_ARRAY_H
#define MPYKDUMP_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct array {
    uint64_t *items;
    size_t count;
    size_t capacity;
};

// False when memory is exhausted; the array is unchanged then.
bool array_append(struct array *array, uint64_t item);

// Frees the items; the array is empty and usable afterwards.
void array_clear(struct array *array);

#endif
