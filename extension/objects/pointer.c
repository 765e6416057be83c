// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/pointer.h"

#include <stdbool.h>

#include "memory/cache.h"
#include "objects/classes.h"
#include "objects/factories.h"
#include "objects/pylong.h"
#include "objects/raise.h"
#include "objects/type_text.h"

static struct typed_class *pointer_class(PyObject *self)
{
    struct typed_class *class = class_of(self);
    if (!class)
        PyErr_Format(PyExc_TypeError, "%s is of a type that is not known", Py_TYPE(self)->tp_name);
    return class;
}

// The pointer that a pointer to pointers leads to, one level lower.
static PyObject *inner_pointer(const struct type *pointer, uint64_t address)
{
    uint64_t value;
    struct error err;
    struct typed_class *class = class_for(pointer);
    if (!class)
        return NULL;
    if (!cache_read_word(address, sizeof(value), &value, &err))
        return raise_error(&err);
    return class_instance(class, value);
}

static PyObject *nothing(const struct type *pointer)
{
    PyObject *name = type_text(pointer);
    if (name)
        PyErr_Format(PyExc_TypeError, "%U points to nothing of a known size", name);
    Py_XDECREF(name);
    return NULL;
}

static PyObject *read_element(struct typed_class *class, uint64_t pointer, uint64_t index,
                              bool as_struct)
{
    const struct type *target = type_target(class->type);
    uint64_t address = pointer + index * target->size;
    if (!pointer)
        return PyErr_Format(PyExc_IndexError, "NULL pointer");
    if (!target->size)
        return nothing(class->type);
    const struct type *inner = type_resolve(target);
    if (inner->kind == TYPE_POINTER) {
        const struct type *last = type_resolve(type_target(inner));
        if (last->kind != TYPE_FUNCTION && !(as_struct && type_is_aggregate(last)))
            return inner_pointer(inner, address);
    }
    return reader_read(&class->element, address);
}

// The element at an index, as in C. A pointer among them stays one, but for those to functions,
// which are ints, and with `as_struct` those to structs, which are structs.
static PyObject *element(PyObject *self, uint64_t index, bool as_struct)
{
    struct typed_class *class = pointer_class(self);
    if (!class)
        return NULL;
    uint64_t pointer = pylong_address(self);
    PyObject *value = read_element(class, pointer, index, as_struct);
    if (!value)
        raise_name_element(class->type, (int64_t)index, pointer);
    return value;
}

static PyObject *get_deref(PyObject *self, void *closure)
{
    return element(self, 0, false);
}

static PyObject *pointer_subscript(PyObject *self, PyObject *key)
{
    if (!PyLong_Check(key))
        return PyErr_Format(PyExc_TypeError, "a pointer is indexed with an int, not %s",
                            Py_TYPE(key)->tp_name);
    uint64_t index = PyLong_AsUnsignedLongLongMask(key);
    return PyErr_Occurred() ? NULL : element(self, index, true);
}

static PyObject *get_type(PyObject *self, void *closure)
{
    struct typed_class *class = pointer_class(self);
    return class ? factory_type_info(class->type) : NULL;
}

static PyObject *get_level(PyObject *self, void *closure)
{
    struct typed_class *class = pointer_class(self);
    long level = 0;
    if (!class)
        return NULL;
    const struct type *type = class->type;
    // As many as a C declaration has stars; a damaged one may have no end.
    for (; type->kind == TYPE_POINTER && level < 64; type = type_resolve(type_target(type)))
        level++;
    return PyLong_FromLong(level);
}

static PyObject *pointer_repr(PyObject *self)
{
    struct typed_class *class = pointer_class(self);
    PyObject *name = class ? type_text(class->type) : NULL;
    char address[32];
    snprintf(address, sizeof(address), "0x%llx", (unsigned long long)pylong_address(self));
    PyObject *text = name ? PyUnicode_FromFormat("<tPtr %U %s>", name, address) : NULL;
    Py_XDECREF(name);
    return text;
}

static PyGetSetDef pointer_getset[] = {
    {"Deref", get_deref, NULL, "what it points to; IndexError for NULL", NULL},
    {"ptrlev", get_level, NULL, "int: the number of stars", NULL},
    {"ti", get_type, NULL, "TypeInfo: of the pointer", NULL},
    {"ptype", get_type, NULL, "TypeInfo: the same", NULL},
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
