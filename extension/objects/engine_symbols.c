// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: which symbols there are.
#include "objects/engine_module.h"

#include "objects/text.h"

#include <string.h>

#include "symbols/symbols.h"

struct wanted {
    const char *prefix;
    size_t length;
    Py_ssize_t limit;
    PyObject *names; // NULL with an exception when one could not be added
};

static bool add(const struct host_symbol *symbol, void *context)
{
    struct wanted *wanted = context;
    if (strncmp(symbol->name, wanted->prefix, wanted->length) != 0)
        return true;
    PyObject *name = text_new(symbol->name);
    if (!name || PyList_Append(wanted->names, name) < 0)
        Py_CLEAR(wanted->names);
    Py_XDECREF(name);
    return wanted->names && PyList_GET_SIZE(wanted->names) < wanted->limit;
}

static PyObject *symbol_names(PyObject *module, PyObject *arguments)
{
    const char *prefix;
    Py_ssize_t limit;
    if (!PyArg_ParseTuple(arguments, "sn:symbol_names", &prefix, &limit))
        return NULL;
    if (limit <= 0)
        return PyErr_Format(PyExc_ValueError, "a limit of %zd symbols", limit);
    struct wanted wanted = {prefix, strlen(prefix), limit, PyList_New(0)};
    if (wanted.names)
        symbols_each(add, &wanted);
    return wanted.names;
}

PyMethodDef engine_symbol_functions[] = {
    {"symbol_names", symbol_names, METH_VARARGS,
     "symbol_names(prefix, limit) -> list of at most `limit` names of symbols that begin so"},
    {0},
};
