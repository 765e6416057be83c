// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/sequence.h"

#include <stdbool.h>

PyObject *sequence_make(PyTypeObject *type, PyObject *values[], size_t count)
{
    bool whole = !PyErr_Occurred();
    for (size_t i = 0; i < count; i++)
        whole = whole && values[i];
    PyObject *made = whole ? PyStructSequence_New(type) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (made)
            PyStructSequence_SET_ITEM(made, (Py_ssize_t)i, values[i]);
        else
            Py_XDECREF(values[i]);
    }
    return made;
}
