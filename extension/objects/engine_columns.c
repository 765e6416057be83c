// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: values of many structs at once.
#include "objects/engine_module.h"

#include <string.h>

#include "base/array.h"
#include "objects/column.h"
#include "objects/pylong.h"
#include "objects/raise.h"

enum { MAX_COLUMNS = 256 };

// ---- addresses from Python: a column, a buffer of 64-bit integers, any sequence of ints ---------

static bool append(struct array *array, uint64_t item)
{
    if (!array_append(array, item)) {
        PyErr_NoMemory();
        return false;
    }
    return true;
}

static bool is_format_of_words(const char *format)
{
    if (format && *format && strchr("@=<", *format))
        format++;
    return format && *format && strchr("QqLlNn", *format) && !format[1];
}

static bool from_buffer(PyObject *object, struct array *addresses)
{
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_FORMAT | PyBUF_STRIDES) < 0)
        return false;
    bool ok = view.ndim == 1 && view.itemsize == sizeof(uint64_t) && view.format && *view.format &&
              is_format_of_words(view.format);
    if (!ok)
        PyErr_Format(PyExc_TypeError,
                     "addresses in a buffer are 64-bit integers in one dimension, not '%s'",
                     view.format ? view.format : "B");
    for (Py_ssize_t i = 0; ok && i < view.shape[0]; i++) {
        uint64_t word;
        // As bytes: a foreign buffer may be anywhere.
        memcpy(&word, (const char *)view.buf + i * view.strides[0], sizeof(word));
        ok = append(addresses, word);
    }
    PyBuffer_Release(&view);
    return ok;
}

static bool from_sequence(PyObject *object, struct array *addresses)
{
    PyObject *items = PySequence_Fast(object, "addresses are a buffer or a sequence of ints");
    bool ok = items != NULL;
    for (Py_ssize_t i = 0; ok && i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(items, i);
        ok = item == Py_None || PyLong_Check(item);
        if (!ok)
            PyErr_Format(PyExc_TypeError, "an address is an int, not %s", Py_TYPE(item)->tp_name);
        else
            ok = append(addresses, item == Py_None ? 0 : pylong_address(item));
    }
    Py_XDECREF(items);
    return ok;
}

static bool addresses_get(PyObject *object, struct array *addresses)
{
    size_t count;
    const uint64_t *words = column_words(object, &count);
    if (words) {
        for (size_t i = 0; i < count; i++) {
            if (!append(addresses, words[i]))
                return false;
        }
        return true;
    }
    return PyObject_CheckBuffer(object) ? from_buffer(object, addresses)
                                        : from_sequence(object, addresses);
}

// ---- the columns -------------------------------------------------------------------------------

struct columns {
    struct column *items;
    size_t count;
};

static void columns_release(struct columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        column_release(&columns->items[i]);
    PyMem_Free(columns->items);
}

static bool columns_init(struct columns *columns, const struct type *type, PyObject *paths)
{
    Py_ssize_t count = PySequence_Fast_GET_SIZE(paths);
    if (count > MAX_COLUMNS) {
        PyErr_Format(PyExc_ValueError, "%zd columns are too many, %d are possible", count,
                     MAX_COLUMNS);
        return false;
    }
    columns->items = PyMem_Calloc((size_t)count + 1, sizeof(*columns->items));
    if (!columns->items) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        struct error err;
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(PySequence_Fast_GET_ITEM(paths, i), &length);
        if (!text)
            return false;
        if (!column_init(&columns->items[columns->count++], type, text, (size_t)length, &err)) {
            raise_error(&err);
            return false;
        }
    }
    return true;
}

static PyObject *columns_wrap(struct columns *columns, PyObject *paths)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)columns->count);
    for (size_t i = 0; tuple && i < columns->count; i++) {
        PyObject *column =
            column_new(&columns->items[i], PySequence_Fast_GET_ITEM(paths, (Py_ssize_t)i));
        if (column)
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, column);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

// columns(addresses, struct, paths) -> (addresses, column of each path)
static PyObject *columns(PyObject *module, PyObject *args)
{
    PyObject *objects, *name, *paths;
    struct array addresses = {0};
    struct columns made = {0};
    struct error err;
    PyObject *tuple = NULL;
    PyObject *first = NULL;
    if (!PyArg_ParseTuple(args, "OUO:columns", &objects, &name, &paths))
        return NULL;
    // A str is a sequence of its letters, which nobody means. A tuple cannot change meanwhile.
    paths = PyUnicode_Check(paths) ? PyTuple_Pack(1, paths) : PySequence_Tuple(paths);
    struct typed_class *class = paths ? engine_struct(name) : NULL;
    if (class && addresses_get(objects, &addresses) && columns_init(&made, class->type, paths)) {
        if (columns_gather(made.items, made.count, addresses.items, addresses.count, &err))
            tuple = columns_wrap(&made, paths);
        else
            raise_error(&err);
    }
    if (tuple)
        first = column_of_addresses(&addresses, class->type, "address");
    columns_release(&made);
    array_clear(&addresses);
    Py_XDECREF(paths);
    PyObject *result = first ? Py_BuildValue("(NN)", first, tuple) : NULL;
    if (!first)
        Py_XDECREF(tuple);
    return result;
}

PyMethodDef engine_column_functions[] = {
    {"columns", columns, METH_VARARGS,
     "columns(addresses, struct, paths) -> (Column, tuple of Columns): the addresses, and the\n"
     "values at each path of the structs there"},
    {0},
};
