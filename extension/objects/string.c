// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/string.h"

#include <string.h>

#include "objects/state.h"

struct string {
    PyUnicodeObject text;
    PyObject *bytes; // all that was read, beyond the NUL too
    uint64_t address;
    uint64_t pointer;
};

// A new instance around text whose reference it takes.
static PyObject *wrap(PyTypeObject *type, PyObject *text, PyObject *bytes, uint64_t address,
                      uint64_t pointer)
{
    PyObject *args = text && bytes ? PyTuple_Pack(1, text) : NULL;
    struct string *self = args ? (struct string *)PyUnicode_Type.tp_new(type, args, NULL) : NULL;
    Py_XDECREF(args);
    Py_XDECREF(text);
    if (!self) {
        Py_XDECREF(bytes);
        return NULL;
    }
    self->bytes = bytes;
    self->address = address;
    self->pointer = pointer;
    return (PyObject *)self;
}

static PyObject *decode(const char *bytes, size_t size)
{
    return PyUnicode_DecodeASCII(bytes, (Py_ssize_t)strnlen(bytes, size), "backslashreplace");
}

PyObject *string_new(const char *bytes, size_t size, uint64_t address, uint64_t pointer)
{
    return wrap(objects_state()->string_type, decode(bytes, size),
                PyBytes_FromStringAndSize(bytes, (Py_ssize_t)size), address, pointer);
}

// SmartString(bytes, addr=None, ptr=None)
static PyObject *string_construct(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"s", "addr", "ptr", NULL};
    PyObject *bytes;
    PyObject *address = Py_None;
    PyObject *pointer = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "S|OO:SmartString", names, &bytes, &address,
                                     &pointer))
        return NULL;
    uint64_t at = address == Py_None ? 0 : PyLong_AsUnsignedLongLongMask(address);
    uint64_t through = pointer == Py_None ? 0 : PyLong_AsUnsignedLongLongMask(pointer);
    if (PyErr_Occurred())
        return NULL;
    PyObject *text = decode(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    return wrap(type, text, Py_NewRef(bytes), at, through);
}

static void string_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_CLEAR(((struct string *)object)->bytes);
    PyUnicode_Type.tp_dealloc(object);
    Py_DECREF(type);
}

static PyObject *get_bytes(PyObject *object, void *closure)
{
    return Py_NewRef(((struct string *)object)->bytes);
}

static PyObject *number_or_none(uint64_t number)
{
    if (!number)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLongLong(number);
}

static PyObject *get_address(PyObject *object, void *closure)
{
    return number_or_none(((struct string *)object)->address);
}

static PyObject *get_pointer(PyObject *object, void *closure)
{
    return number_or_none(((struct string *)object)->pointer);
}

static PyObject *string_int(PyObject *object)
{
    if (!((struct string *)object)->pointer)
        return PyErr_Format(PyExc_TypeError, "this string was not read through a pointer");
    return get_pointer(object, NULL);
}

static PyGetSetDef string_getset[] = {
    {"ByteArray", get_bytes, NULL, "bytes: all that was read, beyond the NUL too", NULL},
    {"addr", get_address, NULL, "int: address of the text", NULL},
    {"ptr", get_pointer, NULL, "int: address of the pointer to it, None for arrays", NULL},
    {0},
};

static PyType_Slot string_slots[] = {
    {Py_tp_doc, "Text read from memory: a str that remembers where it is from."},
    {Py_tp_new, string_construct},
    {Py_tp_dealloc, string_dealloc},
    {Py_tp_getset, string_getset},
    {Py_nb_int, string_int},
    {0, NULL},
};

PyType_Spec string_spec = {
    .name = "crash.SmartString",
    .basicsize = sizeof(struct string),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = string_slots,
};
