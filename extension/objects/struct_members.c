// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/struct_members.h"

#include <inttypes.h>
#include <stdbool.h>

#include "objects/chain.h"
#include "objects/pylong.h"
#include "objects/struct.h"
#include "objects/struct_dump.h"
#include "objects/type_text.h"

// The class of the object whose members a name is to be one of.
static struct typed_class *class_for_name(PyObject *self, PyObject *name)
{
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "the name of a member is a str, not %s",
                     Py_TYPE(name)->tp_name);
        return NULL;
    }
    return struct_class_or_raise(self);
}

// Where a pseudo-attribute is, None if that is not in the struct; NULL if there is none of that
// name, or no more.
static PyObject *pseudo_offset(struct typed_class *class, PyObject *name)
{
    PyObject *offset = class->pseudo ? PyDict_GetItemWithError(class->pseudo, name) : NULL;
    return offset && _PyType_Lookup(class->python, name) ? offset : NULL;
}

static PyObject *has_field(PyObject *self, PyObject *name)
{
    struct typed_class *class = class_for_name(self, name);
    if (!class)
        return NULL;
    bool is_pseudo = pseudo_offset(class, name) != NULL;
    if (PyErr_Occurred())
        return NULL;
    return PyBool_FromLong(is_pseudo || class_member_hidden(class, name));
}

static PyObject *field_offset(PyObject *self, PyObject *name)
{
    struct typed_class *class = class_for_name(self, name);
    if (!class)
        return NULL;
    PyObject *offset = pseudo_offset(class, name);
    if (PyErr_Occurred())
        return NULL;
    if (offset && offset != Py_None)
        return Py_NewRef(offset);
    struct member_slot *slot = class_member_hidden(class, name);
    return slot ? PyLong_FromUnsignedLongLong(slot->offset) : struct_no_field(class, name);
}

static PyObject *is_named(PyObject *self, PyObject *name)
{
    struct typed_class *class = class_for_name(self, name);
    PyObject *type = class ? type_text(class->type) : NULL;
    PyObject *answer = type ? PyObject_RichCompare(name, type, Py_EQ) : NULL;
    Py_XDECREF(type);
    return answer;
}

static PyObject *short_str(PyObject *self, PyObject *unused)
{
    struct typed_class *class = struct_class_or_raise(self);
    if (!class)
        return NULL;
    char address[32];
    snprintf(address, sizeof(address), "0x%" PRIx64, pylong_address(self));
    return PyUnicode_FromFormat("<%s %s>", class->type->name ? class->type->name : "{...}",
                                address);
}

static PyObject *cast_to(PyObject *self, PyObject *name)
{
    return struct_new(name, self);
}

static PyObject *get_deref(PyObject *self, PyObject *unused)
{
    return Py_NewRef(self);
}

static PyObject *deref(PyObject *self, void *closure)
{
    return Py_NewRef(self);
}

static PyObject *evaluate(PyObject *self, PyObject *path)
{
    struct typed_class *class = struct_class_or_raise(self);
    return class ? chain_read(class, pylong_address(self), path, false) : NULL;
}

PyMethodDef struct_methods[] = {
    {"shortStr", short_str, METH_NOARGS, "shortStr() -> str: <tag 0xaddress>"},
    {"hasField", has_field, METH_O, "hasField(name) -> bool: is there a member of that name"},
    {"fieldOffset", field_offset, METH_O,
     "fieldOffset(name) -> int: bytes from the beginning of the struct; KeyError"},
    {"isNamed", is_named, METH_O, "isNamed(type) -> bool: is this the struct of that type name"},
    {"castTo", cast_to, METH_O, "castTo(type) -> StructResult: the same address as another type"},
    {"getDeref", get_deref, METH_NOARGS, "getDeref() -> StructResult: itself"},
    {"Eval", evaluate, METH_O,
     "Eval('a.b.c'): the value at the end of a chain of members, pointers followed"},
    {"Dump", struct_dump, METH_VARARGS, "Dump(indent=0): prints all members"},
    {0},
};

PyGetSetDef struct_getset[] = {
    {"Deref", deref, NULL, "StructResult: itself, since struct and pointer are one", NULL},
    {0},
};
