// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/struct_class.h"

#include "base/length.h"
#include "objects/classes.h"
#include "objects/factories.h"
#include "objects/type_text.h"

// An attribute of each class, worked out from its type when it is asked for.
struct class_attribute {
    PyObject_HEAD const char *name;
    PyObject *(*get)(const struct typed_class *class);
};

static PyObject *attribute_get(PyObject *self, PyObject *object, PyObject *type)
{
    struct class_attribute *attribute = (struct class_attribute *)self;
    PyTypeObject *of = type ? (PyTypeObject *)type : Py_TYPE(object);
    struct typed_class *class = class_search(of);
    if (class)
        return attribute->get(class);
    if (!object)
        return Py_NewRef(self);
    return PyErr_Format(PyExc_TypeError, "%s is of a type that was unloaded", of->tp_name);
}

static PyObject *attribute_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<class attribute %s>", ((struct class_attribute *)self)->name);
}

static PyType_Slot attribute_slots[] = {
    {Py_tp_descr_get, attribute_get},
    {Py_tp_repr, attribute_repr},
    {0, NULL},
};

static PyType_Spec attribute_spec = {
    .name = "crash.ClassAttribute",
    .basicsize = sizeof(struct class_attribute),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = attribute_slots,
};

static PyObject *get_symbol(const struct typed_class *class)
{
    return type_text(class->type);
}

static PyObject *get_size(const struct typed_class *class)
{
    return PyLong_FromUnsignedLongLong(class->type->size);
}

static PyObject *get_info(const struct typed_class *class)
{
    return factory_struct_info(class->type);
}

// Where each pseudo-attribute is, or None.
static PyObject *get_cache(const struct typed_class *class)
{
    return class->pseudo ? PyDict_Copy(class->pseudo) : PyDict_New();
}

int struct_class_add(PyTypeObject *struct_type)
{
    static const struct {
        const char *name;
        PyObject *(*get)(const struct typed_class *class);
    } rows[] = {
        {"PYT_symbol", get_symbol},
        {"PYT_size", get_size},
        {"PYT_sinfo", get_info},
        {"PYT_attrcache", get_cache},
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&attribute_spec);
    int result = type ? 0 : -1;
    for (size_t i = 0; result == 0 && i < ARRAY_LENGTH(rows); i++) {
        PyObject *made = type->tp_alloc(type, 0);
        if (!made)
            result = -1;
        if (made) {
            ((struct class_attribute *)made)->name = rows[i].name;
            ((struct class_attribute *)made)->get = rows[i].get;
            result = PyObject_SetAttrString((PyObject *)struct_type, rows[i].name, made);
        }
        Py_XDECREF(made);
    }
    Py_XDECREF(type);
    return result;
}
