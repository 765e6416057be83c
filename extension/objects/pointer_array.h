// SPDX-License-Identifier: GPL-3.0-or-later
// Array1: an array of pointers, a list that reads its elements when they are wanted.
#ifndef MPYKDUMP_OBJECTS_POINTER_ARRAY_H
#define MPYKDUMP_OBJECTS_POINTER_ARRAY_H

#include <Python.h>
#include <stdint.h>

#include "objects/classes.h"

extern PyType_Spec pointer_array_spec;

// The array at an address; the class is that of its type. New reference or NULL.
PyObject *pointer_array_new(const struct typed_class *class, uint64_t address);

#endif
