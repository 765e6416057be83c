// SPDX-License-Identifier: GPL-3.0-or-later
// StructResult: a struct or union in memory, or a pointer to one; the same object is both.
#ifndef MPYKDUMP_OBJECTS_STRUCT_H
#define MPYKDUMP_OBJECTS_STRUCT_H

#include <Python.h>

#include "objects/classes.h"

extern PyType_Spec struct_spec;

// The object of a type name ("struct x", "union x", a typedef of one) and an address, which is
// any Python int. New reference or NULL.
PyObject *struct_new(PyObject *name, PyObject *address);

// The class of a struct; NULL with TypeError for an object whose class was dropped (after a reload
// of types), which knows its address only.
struct typed_class *struct_class_or_raise(PyObject *self);

// Raises the KeyError of a missing member, and returns NULL.
PyObject *struct_no_field(const struct typed_class *class, PyObject *name);

// The destructor of all structs.
void struct_dealloc(PyObject *self);

#endif
