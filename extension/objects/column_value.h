// SPDX-License-Identifier: GPL-3.0-or-later
// Values of columns as Python has them: what the bytes of a row stand for.
//
// Must not know the object that a column is.
#ifndef MPYKDUMP_OBJECTS_COLUMN_VALUE_H
#define MPYKDUMP_OBJECTS_COLUMN_VALUE_H

#include <Python.h>

#include "walkers/gather.h"

// The value of a row: None where there is none, a number, text, bytes, or for arrays a tuple. New
// reference or NULL.
PyObject *column_value(const struct column *data, size_t row);

#endif
