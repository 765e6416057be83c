// SPDX-License-Identifier: GPL-3.0-or-later
// Named tuples that functions of the engine answer with.
#ifndef MPYKDUMP_OBJECTS_SEQUENCE_H
#define MPYKDUMP_OBJECTS_SEQUENCE_H

#include <Python.h>

// A named tuple of the values, whose references it takes; NULL when one of them is, or when an
// exception is set.
PyObject *sequence_make(PyTypeObject *type, PyObject *values[], size_t count);

#endif
