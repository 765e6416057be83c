// SPDX-License-Identifier: GPL-3.0-or-later
// ColumnFault: a named tuple that says why rows of a column have no value.
#ifndef MPYKDUMP_OBJECTS_COLUMN_FAULT_H
#define MPYKDUMP_OBJECTS_COLUMN_FAULT_H

#include <Python.h>

#include "walkers/gather.h"

// The type, for the state and the module. New reference or NULL.
PyTypeObject *column_fault_type_new(void);

// New reference or NULL.
PyObject *column_fault_new(const struct column_fault *fault);

#endif
