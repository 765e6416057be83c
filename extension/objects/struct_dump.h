// SPDX-License-Identifier: GPL-3.0-or-later
// StructResult.Dump: all members of a struct, printed as C would initialise them.
#ifndef MPYKDUMP_OBJECTS_STRUCT_DUMP_H
#define MPYKDUMP_OBJECTS_STRUCT_DUMP_H

#include <Python.h>

// Dump(indent=0), to sys.stdout.
PyObject *struct_dump(PyObject *self, PyObject *args);

#endif
