// SPDX-License-Identifier: GPL-3.0-or-later
// Python classes made for C types: one class a struct, pointer, enum or array type.
//
// Their objects are ints, but for those of Array1, and ints have no room for more than their value;
// what they are is known by their class.
#ifndef MPYKDUMP_OBJECTS_CLASSES_H
#define MPYKDUMP_OBJECTS_CLASSES_H

#include <Python.h>

#include "base/map.h"
#include "objects/reader.h"
#include "types/type.h"

struct member_slot {
    PyObject *name; // interned, owned
    uint64_t offset;
    const struct type_member *member;
    struct reader reader;
};

struct typed_class {
    PyTypeObject *python; // owned
    const struct type *type;
    // Of structs and unions: all members, and an index by the address of the interned name.
    struct member_slot *members;
    size_t member_count;
    struct map index;
    PyObject *chains; // dict: a path -> what chain.c made of it; NULL before the first
    PyObject *pseudo; // dict: a pseudo-attribute -> its offset or None; NULL before the first
    // Of pointers and arrays: how what they lead to is read.
    struct reader element;
};

// The class for a type, made at first use: of StructResult for structs and unions, tPtr for
// pointers, tEnum for enums; of arrays Array1 for several pointers, Array0 for one or none or an
// unknown number, intDimensionlessArray for other elements. NULL with a Python exception.
struct typed_class *class_for(const struct type *type);

extern struct map classes_by_python;

// What a class made here, or derived from one, stands for; NULL for any other class.
struct typed_class *class_search(PyTypeObject *python);

static inline struct typed_class *class_of(PyObject *object)
{
    struct typed_class *found = map_get(&classes_by_python, (uintptr_t)Py_TYPE(object));
    return found ? found : class_search(Py_TYPE(object));
}

// The member of that name, or NULL (no exception). Not one that is hidden by an attribute.
struct member_slot *class_member(struct typed_class *self, PyObject *name);

// The same of a member that may be hidden.
struct member_slot *class_member_hidden(struct typed_class *self, PyObject *name);

// From now on attributes of that name are looked up as Python does, a member hidden. `offset` is
// None, or an int: where in the struct the value is. False with an exception.
bool class_hide_member(struct typed_class *self, PyObject *name, PyObject *offset);

// A new object of the class with that address (or value).
PyObject *class_instance(const struct typed_class *self, uint64_t value);

// Drops all classes; objects of them live on as plain addresses.
void classes_clear(void);

#endif
