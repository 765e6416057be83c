// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/array.h"

#include <stdlib.h>

bool array_append(struct array *array, uint64_t item)
{
    if (array->count == array->capacity) {
        size_t capacity = array->capacity ? array->capacity * 2 : 64;
        uint64_t *items = reallocarray(array->items, capacity, sizeof(*items));
        if (!items)
            return false;
        array->items = items;
        array->capacity = capacity;
    }
    array->items[array->count++] = item;
    return true;
}

void array_clear(struct array *array)
{
    free(array->items);
    *array = (struct array){0};
}
