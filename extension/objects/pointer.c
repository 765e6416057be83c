// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/pointer.h"

#include "objects/classes.h"
#include "objects/pylong.h"

static const struct type *pointer_type(PyObject *self)
{
    struct typed_class *class = class_of(self);
    if (!class)
        PyErr_Format(PyExc_TypeError, "%s is of a type that was unloaded", Py_TYPE(self)->tp_name);
    return class ? class->type : NULL;
}

// The element at an index, as in C.
static PyObject *element(PyObject *self, uint64_t index)
{
    const struct type *pointer = pointer_type(self);
    if (!pointer)
        return NULL;
    const struct type *target = type_target(pointer);
    uint64_t address = pylong_address(self);
    if (!address)
        return PyErr_Format(PyExc_IndexError, "NULL pointer");
    if (!target->size) {
        char name[256];
        type_format(pointer, name, sizeof(name));
        return PyErr_Format(PyExc_TypeError, "%s points to nothing of a known size", name);
    }
    struct reader reader;
    reader_init(&reader, target);
    return reader_read(&reader, address + index * target->size);
}

static PyObject *get_deref(PyObject *self, void *closure)
{
    return element(self, 0);
}

static PyObject *pointer_subscript(PyObject *self, PyObject *key)
{
    if (!PyLong_Check(key))
        return PyErr_Format(PyExc_TypeError, "a pointer is indexed with an int, not %s",
                            Py_TYPE(key)->tp_name);
    uint64_t index = PyLong_AsUnsignedLongLongMask(key);
    return PyErr_Occurred() ? NULL : element(self, index);
}

static PyObject *get_level(PyObject *self, void *closure)
{
    const struct type *type = pointer_type(self);
    long level = 0;
    if (!type)
        return NULL;
    // As many as a C declaration has stars; a damaged one may have no end.
    for (; type->kind == TYPE_POINTER && level < 64; type = type_resolve(type_target(type)))
        level++;
    return PyLong_FromLong(level);
}

static PyObject *pointer_repr(PyObject *self)
{
    const struct type *type = pointer_type(self);
    if (!type)
        return NULL;
    char name[256];
    char address[32];
    type_format(type, name, sizeof(name));
    snprintf(address, sizeof(address), "0x%llx", (unsigned long long)pylong_address(self));
    return PyUnicode_FromFormat("<tPtr %s %s>", name, address);
}

static PyGetSetDef pointer_getset[] = {
    {"Deref", get_deref, NULL, "what it points to; IndexError for NULL", NULL},
    {"ptrlev", get_level, NULL, "int: the number of stars", NULL},
    {0},
};

static PyType_Slot pointer_slots[] = {
    {Py_tp_doc, "A pointer to anything but a struct: an int that knows what it points to."},
    {Py_tp_repr, pointer_repr},
    {Py_tp_getset, pointer_getset},
    {Py_mp_subscript, pointer_subscript},
    {0, NULL},
};

PyType_Spec pointer_spec = {
    .name = "crash.tPtr",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = pointer_slots,
};
