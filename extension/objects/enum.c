// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/enum.h"

#include <inttypes.h>

#include "objects/classes.h"
#include "objects/factories.h"
#include "objects/pylong.h"
#include "objects/raise.h"

static const char *enumerator_name(const struct type *type, int64_t value)
{
    // A type narrower than 64 bits gives the low bits of a negative value.
    uint64_t mask = type->size >= 8 ? UINT64_MAX : (UINT64_C(1) << (type->size * 8)) - 1;
    for (size_t i = 0; i < type->count; i++) {
        if (((uint64_t)type->enumerators[i].value & mask) == ((uint64_t)value & mask))
            return type->enumerators[i].name;
    }
    return NULL;
}

static PyObject *enum_repr(PyObject *self)
{
    struct typed_class *class = class_of(self);
    struct error err;
    if (!class)
        return PyLong_Type.tp_repr(self);
    if (!type_complete(class->type, &err))
        return raise_error(&err);
    int64_t value = (int64_t)pylong_address(self);
    const char *name = enumerator_name(class->type, value);
    if (name)
        return PyUnicode_FromString(name);
    char type[256];
    type_format(class->type, type, sizeof(type));
    return class->type->is_signed
               ? PyUnicode_FromFormat("<%s, bad value %lld>", type, (long long)value)
               : PyUnicode_FromFormat("<%s, bad value %llu>", type, (unsigned long long)value);
}

// Format codes of numbers format the number, none the name.
static PyObject *enum_format(PyObject *self, PyObject *spec)
{
    if (PyUnicode_Check(spec) && PyUnicode_GET_LENGTH(spec) == 0)
        return enum_repr(self);
    PyObject *format = PyObject_GetAttrString((PyObject *)&PyLong_Type, "__format__");
    PyObject *text = format ? PyObject_CallFunctionObjArgs(format, self, spec, NULL) : NULL;
    Py_XDECREF(format);
    return text;
}

static PyObject *get_enum_info(PyObject *self, void *closure)
{
    struct typed_class *class = class_of(self);
    if (!class)
        return PyErr_Format(PyExc_TypeError, "%s is of a type that is not known",
                            Py_TYPE(self)->tp_name);
    return factory_enum_info(class->type);
}

static PyMethodDef enum_methods[] = {
    {"__format__", enum_format, METH_O, "the name, or the number where a format asks for one"},
    {0},
};

static PyGetSetDef enum_getset[] = {
    {"einfo", get_enum_info, NULL, "EnumInfo: all values of the type", NULL},
    {0},
};

static PyType_Slot enum_slots[] = {
    {Py_tp_doc, "A value of an enum type: an int that prints its name."},
    {Py_tp_repr, enum_repr},
    {Py_tp_str, enum_repr},
    {Py_tp_methods, enum_methods},
    {Py_tp_getset, enum_getset},
    {0, NULL},
};

PyType_Spec enum_spec = {
    .name = "crash.tEnum",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = enum_slots,
};
