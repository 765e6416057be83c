// SPDX-License-Identifier: GPL-3.0-or-later
// From an error value to a Python exception: the one table.
#ifndef MPYKDUMP_OBJECTS_RAISE_H
#define MPYKDUMP_OBJECTS_RAISE_H

#include <Python.h>

#include "base/error.h"
#include "types/type.h"

// Sets the exception that an error stands for and returns NULL, so that a caller can
// `return raise_error(&err)`.
PyObject *raise_error(const struct error *err);

// Both add to the text of the pending exception, when it is about a value that cannot be had, which
// value was wanted: the member at a path, of what type, in the object at an address; or the element
// of what a pointer points to, or of an array.
void raise_name_member(const struct type *object, const char *path, const struct type *value,
                       uint64_t address);
void raise_name_element(const struct type *container, int64_t index, uint64_t address);

#endif
