// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/chain.h"

#include <string.h>

#include "objects/pylong.h"

PyObject *chain_read(struct typed_class *class, uint64_t address, PyObject *path)
{
    if (!PyUnicode_Check(path))
        return PyErr_Format(PyExc_TypeError, "a chain of members is a str, not %s",
                            Py_TYPE(path)->tp_name);
    PyObject *names = PyObject_CallMethod(path, "split", "s", ".");
    PyObject *value = names ? class_instance(class, address) : NULL;
    for (Py_ssize_t i = 0; value && i < PyList_GET_SIZE(names); i++) {
        if (!class_of(value)) {
            PyErr_Format(PyExc_TypeError, "%R: what precedes %R has no members", path,
                         PyList_GET_ITEM(names, i));
            Py_CLEAR(value);
            break;
        }
        PyObject *next = PyObject_GetAttr(value, PyList_GET_ITEM(names, i));
        Py_SETREF(value, next);
    }
    Py_XDECREF(names);
    return value;
}
