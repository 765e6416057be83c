// SPDX-License-Identifier: GPL-3.0-or-later
// Module `crash`: numbers in bytes.
#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "objects/arguments.h"
#include "objects/crash_module.h"
#include "objects/state.h"

static PyObject *number_at(const char *bytes, size_t size, int is_signed)
{
    uint64_t value = 0;
    memcpy(&value, bytes, size);
    unsigned unused = 64 - (unsigned)size * 8;
    if (is_signed)
        return PyLong_FromLongLong((int64_t)(value << unused) >> unused);
    return PyLong_FromUnsignedLongLong(value);
}

static PyObject *crash_mem2long(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"source", "signed", "array", NULL};
    Py_buffer source;
    int is_signed = 0;
    Py_ssize_t count = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*|pn:mem2long", names, &source, &is_signed,
                                     &count))
        return argument_failure();
    bool is_array = count > 1;
    if (!is_array)
        count = 1;
    size_t size = (size_t)(source.len / count);
    PyObject *result = NULL;
    if ((size != 1 && size != 2 && size != 4 && size != 8) || source.len % count) {
        PyErr_Format(objects_state()->error,
                     "bad size: %zd bytes are not %zd numbers of 1, 2, 4 or "
                     "8 bytes",
                     source.len, count);
    } else if (!is_array) {
        result = number_at(source.buf, size, is_signed);
    } else {
        result = PyList_New(count);
        for (Py_ssize_t i = 0; result && i < count; i++) {
            PyObject *item = number_at((char *)source.buf + (size_t)i * size, size, is_signed);
            if (item)
                PyList_SET_ITEM(result, i, item);
            else
                Py_CLEAR(result);
        }
    }
    PyBuffer_Release(&source);
    return result;
}

static PyObject *crash_fd_isset(PyObject *module, PyObject *args)
{
    PyObject *number;
    Py_buffer bits;
    if (!PyArg_ParseTuple(args, "O!y*:FD_ISSET", &PyLong_Type, &number, &bits))
        return argument_failure();
    int overflow;
    long long fd = PyLong_AsLongLongAndOverflow(number, &overflow);
    bool inside = !overflow && fd >= 0 && fd / 8 < bits.len;
    int isset = inside && ((const uint8_t *)bits.buf)[fd / 8] >> (fd % 8) & 1;
    PyBuffer_Release(&bits);
    return PyLong_FromLong(isset);
}

static PyObject *crash_s_long(PyObject *module, PyObject *argument)
{
    uint64_t value;
    return argument_address(argument, &value) ? PyLong_FromLongLong((int64_t)value) : NULL;
}

static PyObject *crash_le32(PyObject *module, PyObject *argument)
{
    uint64_t value;
    return argument_address(argument, &value) ? PyLong_FromUnsignedLong(le32toh((uint32_t)value))
                                              : NULL;
}

static PyObject *crash_le16(PyObject *module, PyObject *argument)
{
    uint64_t value;
    return argument_address(argument, &value) ? PyLong_FromUnsignedLong(le16toh((uint16_t)value))
                                              : NULL;
}

PyMethodDef crash_number_functions[] = {
    {"mem2long", (PyCFunction)(void (*)(void))crash_mem2long, METH_VARARGS | METH_KEYWORDS,
     "mem2long(source, signed=False, array=0) -> int, or a list of `array` ints; crash.error"},
    {"FD_ISSET", crash_fd_isset, METH_VARARGS,
     "FD_ISSET(fd, bits) -> int: is that bit set; 0 beyond the end"},
    {"sLong", crash_s_long, METH_O, "sLong(value) -> int: 64 bits taken as signed"},
    {"le32_to_cpu", crash_le32, METH_O, "le32_to_cpu(value) -> int"},
    {"cpu_to_le32", crash_le32, METH_O, "cpu_to_le32(value) -> int"},
    {"le16_to_cpu", crash_le16, METH_O, "le16_to_cpu(value) -> int"},
    {0},
};
