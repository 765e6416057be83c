// SPDX-License-Identifier: GPL-3.0-or-later
// Attributes that a program has given to single objects ("task.seen = True"), which are ints and
// have no room for them: a table beside.
#ifndef MPYKDUMP_OBJECTS_ATTRIBUTES_H
#define MPYKDUMP_OBJECTS_ATTRIBUTES_H

#include <Python.h>
#include <stddef.h>

// How many objects have some: nobody pays for the table while it is empty.
extern size_t attributes_objects;

// The value, a new reference. NULL without an exception when there is none of that name.
PyObject *attributes_get(PyObject *object, PyObject *name);

// A value of NULL deletes. 0, or -1 with an exception.
int attributes_set(PyObject *object, PyObject *name, PyObject *value);

// Before the object goes.
void attributes_forget(PyObject *object);

// All objects'.
void attributes_clear(void);

#endif
