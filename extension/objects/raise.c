// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/raise.h"

#include <string.h>

#include "objects/factories.h"
#include "objects/state.h"

static PyObject *exception_for(enum error_code code)
{
    switch (code) {
    case ERR_NULL:
        return PyExc_IndexError;
    case ERR_TYPE:
    case ERR_SYMBOL:
        return PyExc_TypeError;
    case ERR_MEMBER:
        return PyExc_KeyError;
    case ERR_VALUE:
    case ERR_DAMAGED:
    case ERR_HOST:
    case ERR_NONE:
        return objects_state()->error;
    case ERR_FAULT:
        return objects_state()->fault;
    case ERR_UNMAPPED:
        return objects_state()->unmapped;
    case ERR_EXCLUDED:
        return objects_state()->excluded;
    case ERR_ABSENT:
        return objects_state()->absent;
    case ERR_NO_MEMORY:
        return PyExc_MemoryError;
    case ERR_INTERRUPTED:
        return PyExc_KeyboardInterrupt;
    case ERR_THREAD:
        return PyExc_RuntimeError;
    }
    return PyExc_SystemError;
}

PyObject *raise_error(const struct error *err)
{
    // A signal handler of the program's may have raised what it likes; that stays, whatever then
    // failed because of it.
    if (PyErr_Occurred() || (err->code == ERR_INTERRUPTED && PyErr_CheckSignals() < 0))
        return NULL;
    PyObject *class = exception_for(err->code);
    // The host's words and names from the dump may be anything, and are cut at some length.
    PyObject *text =
        PyUnicode_DecodeUTF8(err->message, (Py_ssize_t)strlen(err->message), "replace");
    if (text && err->code == ERR_MEMBER)
        Py_SETREF(text, factory_no_member(text));
    PyObject *exception = text ? PyObject_CallOneArg(class, text) : NULL;
    PyObject *address =
        exception && error_is_fault(err->code) ? PyLong_FromUnsignedLongLong(err->address) : NULL;
    if (address && PyObject_SetAttrString(exception, "address", address) < 0)
        Py_CLEAR(exception);
    if (exception)
        PyErr_SetObject(class, exception);
    Py_XDECREF(address);
    Py_XDECREF(exception);
    Py_XDECREF(text);
    return NULL;
}

void raise_add_context(const char *context)
{
    PyObject *class;
    PyObject *exception;
    PyObject *traceback;
    if (!PyErr_ExceptionMatches(objects_state()->error) &&
        !PyErr_ExceptionMatches(PyExc_IndexError))
        return;
    PyErr_Fetch(&class, &exception, &traceback);
    PyErr_NormalizeException(&class, &exception, &traceback);
    PyObject *message = PyUnicode_FromFormat("%S (%s)", exception, context);
    PyObject *args = message ? PyTuple_Pack(1, message) : NULL;
    if (!args || PyObject_SetAttrString(exception, "args", args) < 0)
        PyErr_Clear();
    Py_XDECREF(args);
    Py_XDECREF(message);
    PyErr_Restore(class, exception, traceback);
}
