// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/open_array.h"

#include "objects/classes.h"
#include "objects/factories.h"
#include "objects/pylong.h"
#include "objects/raise.h"
#include "objects/type_text.h"

static struct typed_class *array_class(PyObject *self)
{
    struct typed_class *class = class_of(self);
    if (!class)
        PyErr_Format(PyExc_TypeError, "%s is of a type that is not known", Py_TYPE(self)->tp_name);
    return class;
}

static PyObject *array_subscript(PyObject *self, PyObject *key)
{
    struct typed_class *class = array_class(self);
    if (!class)
        return NULL;
    if (!PyLong_Check(key))
        return PyErr_Format(PyExc_TypeError,
                            "an array of unknown length is indexed with an int, "
                            "not %s",
                            Py_TYPE(key)->tp_name);
    uint64_t index = PyLong_AsUnsignedLongLongMask(key);
    uint64_t step = type_target(class->type)->size;
    uint64_t base = pylong_address(self);
    PyObject *value = reader_read(&class->element, base + index * step);
    if (!value)
        raise_name_element(class->type, (int64_t)index, base);
    return value;
}

static PyObject *array_repr(PyObject *self)
{
    struct typed_class *class = class_of(self);
    if (!class)
        return PyLong_Type.tp_repr(self);
    PyObject *element = type_text(type_target(class->type));
    char address[32];
    snprintf(address, sizeof(address), "0x%llx", (unsigned long long)pylong_address(self));
    PyObject *text = element ? PyUnicode_FromFormat("<%U [] %s>", element, address) : NULL;
    Py_XDECREF(element);
    return text;
}

static PyObject *get_type(PyObject *self, void *closure)
{
    struct typed_class *class = array_class(self);
    return class ? factory_type_info(class->type) : NULL;
}

static PyGetSetDef array_getset[] = {
    {"ti", get_type, NULL, "TypeInfo: of the array", NULL},
    {0},
};

static PyType_Slot open_array_slots[] = {
    {Py_tp_doc, "An array of unknown length: an int, its address; [i] reads an element."},
    {Py_tp_repr, array_repr},
    {Py_tp_getset, array_getset},
    {Py_mp_subscript, array_subscript},
    {0, NULL},
};

PyType_Spec open_array_spec = {
    .name = "crash.intDimensionlessArray",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = open_array_slots,
};

PyType_Spec array0_spec = {
    .name = "crash.Array0",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = open_array_slots,
};
