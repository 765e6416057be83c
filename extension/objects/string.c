// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/string.h"

#include <string.h>

#include "host/host.h"
#include "memory/cache.h"
#include "objects/classes.h"
#include "objects/pylong.h"
#include "objects/raise.h"
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

bool string_window(uint64_t address, char window[STRING_WINDOW], size_t *size, struct error *err)
{
    size_t first = HOST_PAGE_SIZE - (address & (HOST_PAGE_SIZE - 1));
    *size = STRING_WINDOW;
    if (first >= STRING_WINDOW)
        return cache_read(address, window, STRING_WINDOW, err);
    if (!cache_read(address, window, first, err))
        return false;
    struct error reason;
    if (cache_read(address + first, window + first, STRING_WINDOW - first, &reason))
        return true;
    *size = first;
    if (error_is_fault(reason.code))
        return true;
    *err = reason;
    return false;
}

// Is an object a pointer of level 1, or an array of unknown length.
static bool is_pointer(PyObject *object)
{
    struct typed_class *class = PyLong_Check(object) ? class_of(object) : NULL;
    return class && (class->type->kind == TYPE_POINTER || class->type->kind == TYPE_ARRAY) &&
           type_resolve(type_target(class->type))->kind != TYPE_POINTER;
}

// The bytes behind a pointer; what they are is the program's concern.
static PyObject *bytes_behind(PyObject *pointer, uint64_t *address)
{
    char window[STRING_WINDOW];
    size_t size;
    struct error err;
    *address = pylong_address(pointer);
    if (!*address)
        return PyErr_Format(PyExc_IndexError, "NULL pointer");
    if (!string_window(*address, window, &size, &err))
        return raise_error(&err);
    return PyBytes_FromStringAndSize(window, (Py_ssize_t)size);
}

// SmartString(bytes, addr=None, ptr=None), SmartString(pointer)
static PyObject *string_construct(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"s", "addr", "ptr", NULL};
    PyObject *source;
    PyObject *address = Py_None;
    PyObject *pointer = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO:SmartString", names, &source, &address,
                                     &pointer))
        return NULL;
    uint64_t at = 0;
    PyObject *bytes = NULL;
    if (PyBytes_Check(source))
        bytes = Py_NewRef(source);
    else if (is_pointer(source))
        bytes = bytes_behind(source, &at);
    else
        PyErr_Format(PyExc_TypeError, "a SmartString is made of bytes or a pointer to them, not %s",
                     Py_TYPE(source)->tp_name);
    if (bytes && address != Py_None)
        at = PyLong_AsUnsignedLongLongMask(address);
    uint64_t through = bytes && pointer != Py_None ? PyLong_AsUnsignedLongLongMask(pointer) : 0;
    if (!bytes || PyErr_Occurred()) {
        Py_XDECREF(bytes);
        return NULL;
    }
    PyObject *text = decode(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    return wrap(type, text, bytes, at, through);
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

// Indices go beyond the NUL: names in the abstract AF_UNIX name space begin with one.
static PyObject *string_subscript(PyObject *object, PyObject *key)
{
    PyObject *bytes = ((struct string *)object)->bytes;
    PyObject *text = PyUnicode_DecodeASCII(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes),
                                           "backslashreplace");
    PyObject *found = text ? PyObject_GetItem(text, key) : NULL;
    Py_XDECREF(text);
    return found;
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
    {Py_mp_subscript, string_subscript},
    {0, NULL},
};

PyType_Spec string_spec = {
    .name = "crash.SmartString",
    .basicsize = sizeof(struct string),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = string_slots,
};
