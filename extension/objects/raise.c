// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/raise.h"

#include "objects/state.h"

static PyObject *exception_for(enum error_code code)
{
    switch (code) {
    case ERR_NULL:
        return PyExc_IndexError;
    case ERR_TYPE:
    case ERR_SYMBOL:
        return PyExc_TypeError;
    case ERR_VALUE:
    case ERR_FAULT:
    case ERR_HOST:
    case ERR_NONE:
        return objects_state()->error;
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
    return raise_error_in(NULL, err);
}

PyObject *raise_error_in(const char *context, const struct error *err)
{
    // A signal handler of the program's may have raised what it likes; that stays.
    if (err->code == ERR_INTERRUPTED && (PyErr_Occurred() || PyErr_CheckSignals() < 0))
        return NULL;
    PyErr_Format(exception_for(err->code), "%s%s%s", context ? context : "", context ? ": " : "",
                 err->message);
    return NULL;
}
