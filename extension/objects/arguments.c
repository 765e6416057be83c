// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/arguments.h"

#include "objects/state.h"

enum { MAX_SIZE = 1 << 30 };

const char *argument_text(PyObject *object)
{
    const char *text = PyUnicode_AsUTF8(object);
    if (!text)
        argument_failure();
    return text;
}

PyObject *argument_failure(void)
{
    PyObject *class;
    PyObject *error;
    PyObject *traceback;
    if (!PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(objects_state()->error))
        return NULL;
    PyErr_Fetch(&class, &error, &traceback);
    PyErr_Format(objects_state()->argument, "invalid parameter type: %S", error ? error : class);
    Py_XDECREF(class);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return NULL;
}

int argument_address(PyObject *object, void *address)
{
    if (!PyLong_Check(object)) {
        PyErr_Format(objects_state()->argument,
                     "invalid parameter type: an address is an int, not %s",
                     Py_TYPE(object)->tp_name);
        return 0;
    }
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (!overflow) {
        *(uint64_t *)address = (uint64_t)value;
        return !(value == -1 && PyErr_Occurred());
    }
    *(uint64_t *)address = PyLong_AsUnsignedLongLong(object);
    if (!PyErr_Occurred())
        return 1;
    PyErr_Clear();
    // %S would print a StructResult as such.
    PyObject *number = PyNumber_ToBase(object, 16);
    if (number)
        PyErr_Format(objects_state()->error, "%U is not a 64-bit address", number);
    Py_XDECREF(number);
    return 0;
}

int argument_size(PyObject *object, void *size)
{
    Py_ssize_t value = PyNumber_AsSsize_t(object, NULL);
    if (value == -1 && PyErr_Occurred())
        return 0;
    if (value < 1 || value > MAX_SIZE) {
        PyErr_Format(objects_state()->error, "cannot read %zd bytes: 1 to %d are possible", value,
                     MAX_SIZE);
        return 0;
    }
    *(size_t *)size = (size_t)value;
    return 1;
}
