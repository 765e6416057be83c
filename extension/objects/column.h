// SPDX-License-Identifier: GPL-3.0-or-later
// Column: a typed array of values read from many structs, or of addresses that a walk has found.
//
// It never changes, and gives its memory away through the buffer protocol without a copy.
#ifndef MPYKDUMP_OBJECTS_COLUMN_H
#define MPYKDUMP_OBJECTS_COLUMN_H

#include <Python.h>

#include "base/array.h"
#include "walkers/gather.h"

// Makes the types; both the state and the module get them. -1 with an exception.
int column_add_types(PyObject *module);

// A column that takes the data and leaves an empty struct behind, also when it fails. `name` says
// what it is a column of. New reference or NULL.
PyObject *column_new(struct column *data, PyObject *name);

// A column of addresses that takes the array's items. `type`, which may be NULL, is what is there.
PyObject *column_of_addresses(struct array *addresses, const struct type *type, const char *name);

// If the object is a column of numbers of 8 bytes: its items, valid as long as it is. NULL (no
// exception) for anything else.
const uint64_t *column_words(PyObject *object, size_t *count);

#endif
