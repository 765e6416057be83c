// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/column_value.h"

#include <string.h>

static PyObject *number(const struct column *data, const uint8_t *bytes)
{
    union {
        uint64_t word;
        double wide;
        float single;
    } value = {0};
    unsigned unused = 64 - data->element_size * 8;
    memcpy(&value, bytes, data->element_size);
    switch (data->kind) {
    case COLUMN_SIGNED:
        return PyLong_FromLongLong((int64_t)(value.word << unused) >> unused);
    case COLUMN_BOOL:
        return PyBool_FromLong(value.word != 0);
    case COLUMN_FLOAT:
        return PyFloat_FromDouble(data->element_size == sizeof(float) ? (double)value.single
                                                                      : value.wide);
    case COLUMN_UNSIGNED:
    case COLUMN_ADDRESS:
    case COLUMN_TEXT:
    case COLUMN_BYTES:
        break;
    }
    return PyLong_FromUnsignedLongLong(value.word);
}

static PyObject *numbers(const struct column *data, const uint8_t *bytes)
{
    // A row of bytes is most useful as such.
    if (data->kind == COLUMN_UNSIGNED && data->element_size == 1)
        return PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)data->elements);
    PyObject *tuple = PyTuple_New((Py_ssize_t)data->elements);
    for (uint32_t i = 0; tuple && i < data->elements; i++) {
        PyObject *value = number(data, bytes + (size_t)i * data->element_size);
        if (value)
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, value);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

PyObject *column_value(const struct column *data, size_t row)
{
    const uint8_t *bytes = data->items + row * data->item_size;
    if (data->valid && !data->valid[row])
        Py_RETURN_NONE;
    if (data->elements)
        return numbers(data, bytes);
    if (data->kind == COLUMN_TEXT)
        return PyUnicode_DecodeASCII((const char *)bytes,
                                     (Py_ssize_t)strnlen((const char *)bytes, data->element_size),
                                     "backslashreplace");
    if (data->kind == COLUMN_BYTES)
        return PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)data->element_size);
    return number(data, bytes);
}
