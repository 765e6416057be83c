// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/raise.h"

#include <inttypes.h>
#include <stdio.h>

#include "objects/factories.h"
#include "objects/signals.h"
#include "objects/state.h"
#include "objects/text.h"

enum { NAME_SIZE = 512 }; // bytes of a type in a message; a longer one is cut

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
    if (PyErr_Occurred() || (err->code == ERR_INTERRUPTED && signals_check() < 0))
        return NULL;
    PyObject *class = exception_for(err->code);
    PyObject *text = text_new(err->message);
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

// Not to Ctrl-C, nor to want of memory.
static void add_context(const char *context)
{
    PyObject *class;
    PyObject *exception;
    PyObject *traceback;
    if (!PyErr_ExceptionMatches(objects_state()->error) &&
        !PyErr_ExceptionMatches(PyExc_IndexError) && !PyErr_ExceptionMatches(PyExc_TypeError))
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

void raise_name_member(const struct type *object, const char *path, const struct type *value,
                       uint64_t address)
{
    char type[NAME_SIZE];
    char wanted[NAME_SIZE];
    char context[4 * NAME_SIZE];
    type_format(object, type, sizeof(type));
    type_format(value, wanted, sizeof(wanted));
    snprintf(context, sizeof(context), "%s.%s, type %s, of the object at 0x%" PRIx64, type, path,
             wanted, address);
    add_context(context);
}

void raise_name_element(const struct type *container, int64_t index, uint64_t address)
{
    char type[NAME_SIZE];
    char context[2 * NAME_SIZE];
    type_format(container, type, sizeof(type));
    snprintf(context, sizeof(context), "element %" PRId64 " of %s 0x%" PRIx64, index, type,
             address);
    add_context(context);
}
