// SPDX-License-Identifier: GPL-3.0-or-later
// An array of pointers has often many elements of which a program wants one: [i], iteration and
// len() read no more than that. Everything else that a list can do fills the list first.
#include "objects/pointer_array.h"

#include <stdbool.h>

#include "objects/classes.h"
#include "objects/raise.h"

enum { MAX_ELEMENTS = 1 << 20 }; // of one that becomes a whole list

struct pointer_array {
    PyListObject list; // the elements, once they are all read
    uint64_t address;
    Py_ssize_t length;
    bool filled;
};

static struct pointer_array *array_of(PyObject *self)
{
    return (struct pointer_array *)self;
}

PyObject *pointer_array_new(const struct typed_class *class, uint64_t address)
{
    const struct type *type = class->type;
    if (type->length > PY_SSIZE_T_MAX / sizeof(uint64_t))
        return PyErr_Format(PyExc_TypeError, "an array of %llu pointers is too large",
                            (unsigned long long)type->length);
    PyObject *self = class->python->tp_alloc(class->python, 0);
    if (!self)
        return NULL;
    array_of(self)->address = address;
    array_of(self)->length = (Py_ssize_t)type->length;
    return self;
}

// The element at any index, also before the beginning and behind the end: that is C's.
static PyObject *read_element(PyObject *self, Py_ssize_t index)
{
    struct typed_class *class = class_of(self);
    if (!class)
        return PyErr_Format(PyExc_TypeError, "%s is of a type that was unloaded",
                            Py_TYPE(self)->tp_name);
    uint64_t step = type_target(class->type)->size;
    uint64_t base = array_of(self)->address;
    PyObject *value = reader_read(&class->element, base + (uint64_t)index * step);
    if (!value)
        raise_name_element(class->type, index, base);
    return value;
}

static bool fill(PyObject *self)
{
    struct pointer_array *array = array_of(self);
    if (array->filled)
        return true;
    if (array->length > MAX_ELEMENTS) {
        PyErr_Format(PyExc_TypeError, "an array of more than %d elements is too large for a list",
                     MAX_ELEMENTS);
        return false;
    }
    PyObject *values = PyList_New(0);
    for (Py_ssize_t i = 0; values && i < array->length; i++) {
        PyObject *value = read_element(self, i);
        if (!value || PyList_Append(values, value) < 0)
            Py_CLEAR(values);
        Py_XDECREF(value);
    }
    // Reading may have run Python code that has filled it.
    if (values && !array->filled)
        array->filled = PyList_SetSlice(self, 0, PyList_GET_SIZE(self), values) == 0;
    Py_XDECREF(values);
    return array->filled;
}

static Py_ssize_t array_length(PyObject *self)
{
    return array_of(self)->filled ? PyList_GET_SIZE(self) : array_of(self)->length;
}

static PyObject *array_item(PyObject *self, Py_ssize_t index)
{
    if (array_of(self)->filled && index >= 0 && index < PyList_GET_SIZE(self))
        return Py_NewRef(PyList_GET_ITEM(self, index));
    return read_element(self, index);
}

static PyObject *array_subscript(PyObject *self, PyObject *key)
{
    if (!PyIndex_Check(key))
        return fill(self) ? PyList_Type.tp_as_mapping->mp_subscript(self, key) : NULL;
    Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
    return index == -1 && PyErr_Occurred() ? NULL : array_item(self, index);
}

static int array_assign(PyObject *self, PyObject *key, PyObject *value)
{
    return fill(self) ? PyList_Type.tp_as_mapping->mp_ass_subscript(self, key, value) : -1;
}

// `array + list` and `list + array`: a list itself would take the place of the elements for them.
static PyObject *array_add(PyObject *left, PyObject *right)
{
    PyTypeObject *mine = (PyTypeObject *)&PyList_Type;
    if (!PyObject_TypeCheck(left, mine) || !PyObject_TypeCheck(right, mine))
        Py_RETURN_NOTIMPLEMENTED;
    PyObject *sum = PySequence_List(left);
    PyObject *rest = sum ? PySequence_List(right) : NULL;
    if (!rest || PyList_SetSlice(sum, PyList_GET_SIZE(sum), PyList_GET_SIZE(sum), rest) < 0)
        Py_CLEAR(sum);
    Py_XDECREF(rest);
    return sum;
}

static PyObject *array_repeat(PyObject *self, Py_ssize_t times)
{
    return fill(self) ? PyList_Type.tp_as_sequence->sq_repeat(self, times) : NULL;
}

static PyObject *array_repeat_in_place(PyObject *self, Py_ssize_t times)
{
    return fill(self) ? PyList_Type.tp_as_sequence->sq_inplace_repeat(self, times) : NULL;
}

static PyObject *array_reversed(PyObject *self, PyObject *unused)
{
    return fill(self) ? PyObject_CallMethod((PyObject *)&PyList_Type, "__reversed__", "O", self)
                      : NULL;
}

static int array_contains(PyObject *self, PyObject *value)
{
    return fill(self) ? PyList_Type.tp_as_sequence->sq_contains(self, value) : -1;
}

static PyObject *array_compare(PyObject *self, PyObject *other, int operation)
{
    struct typed_class *class = PyList_Check(other) ? class_of(other) : NULL;
    bool is_array = class && class->type->kind == TYPE_ARRAY;
    if (!fill(self) || (is_array && !fill(other)))
        return NULL;
    return PyList_Type.tp_richcompare(self, other, operation);
}

static PyObject *array_repr(PyObject *self)
{
    return fill(self) ? PyList_Type.tp_repr(self) : NULL;
}

// A method of a list finds its elements.
static PyObject *array_getattro(PyObject *self, PyObject *name)
{
    bool is_special = PyUnicode_GET_LENGTH(name) > 0 && PyUnicode_READ_CHAR(name, 0) == '_';
    return is_special || fill(self) ? PyObject_GenericGetAttr(self, name) : NULL;
}

// for element in array: not beyond its end, where [i] goes on.
static PyObject *array_iter(PyObject *self)
{
    PyObject *indices = PyObject_CallFunction((PyObject *)&PyRange_Type, "n", array_length(self));
    PyObject *read = indices ? PyObject_GetAttrString(self, "__getitem__") : NULL;
    PyObject *iterator =
        read ? PyObject_CallFunctionObjArgs((PyObject *)&PyMap_Type, read, indices, NULL) : NULL;
    Py_XDECREF(read);
    Py_XDECREF(indices);
    return iterator;
}

// Of what a program makes itself: a list like others.
static int array_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    array_of(self)->filled = true;
    return PyList_Type.tp_init(self, args, kwargs);
}

static PyMethodDef array_methods[] = {
    {"__reversed__", array_reversed, METH_NOARGS, "an iterator from the last element on"},
    {0},
};

static PyType_Slot pointer_array_slots[] = {
    {Py_tp_doc, "An array of pointers: a list that reads its elements when they are wanted.\n"
                "[i] takes any index, as C does."},
    {Py_tp_init, array_init},
    {Py_tp_methods, array_methods},
    {Py_tp_repr, array_repr},
    {Py_tp_iter, array_iter},
    {Py_tp_getattro, array_getattro},
    {Py_tp_richcompare, array_compare},
    {Py_tp_hash, PyObject_HashNotImplemented},
    {Py_mp_length, array_length},
    {Py_mp_subscript, array_subscript},
    {Py_mp_ass_subscript, array_assign},
    {Py_sq_length, array_length},
    {Py_sq_item, array_item},
    {Py_sq_contains, array_contains},
    {Py_sq_repeat, array_repeat},
    {Py_sq_inplace_repeat, array_repeat_in_place},
    {Py_nb_add, array_add},
    {0, NULL},
};

PyType_Spec pointer_array_spec = {
    .name = "crash.Array1",
    .basicsize = sizeof(struct pointer_array),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = pointer_array_slots,
};
