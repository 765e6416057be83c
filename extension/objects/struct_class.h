// SPDX-License-Identifier: GPL-3.0-or-later
// What the class of a struct says of its type: PYT_symbol, PYT_size and the like.
#ifndef MPYKDUMP_OBJECTS_STRUCT_CLASS_H
#define MPYKDUMP_OBJECTS_STRUCT_CLASS_H

#include <Python.h>

// Adds them to StructResult, to be found in each class made from it and in the objects. 0, or -1
// with an exception.
int struct_class_add(PyTypeObject *struct_type);

#endif
