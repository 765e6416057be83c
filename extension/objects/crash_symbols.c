// SPDX-License-Identifier: GPL-3.0-or-later
// Module `crash`: symbols, and sizes of types.
#include "host/host.h"
#include "objects/arguments.h"
#include "objects/crash_module.h"
#include "objects/raise.h"
#include "symbols/symbols.h"
#include "types/types.h"

static PyObject *crash_symbol_exists(PyObject *module, PyObject *argument)
{
    struct host_symbol symbol;
    const char *name = PyUnicode_AsUTF8(argument);
    return name ? PyLong_FromLong(symbols_find(name, &symbol)) : NULL;
}

static PyObject *crash_sym2addr(PyObject *module, PyObject *argument)
{
    struct host_symbol symbol;
    const char *name = PyUnicode_AsUTF8(argument);
    if (!name)
        return NULL;
    return PyLong_FromUnsignedLongLong(symbols_find(name, &symbol) ? symbol.address : 0);
}

static PyObject *crash_sym2alladdr(PyObject *module, PyObject *argument)
{
    struct array addresses = {0};
    const char *name = PyUnicode_AsUTF8(argument);
    if (!name)
        return NULL;
    if (!symbols_find_all(name, &addresses)) {
        array_clear(&addresses);
        return PyErr_NoMemory();
    }
    PyObject *list = PyList_New((Py_ssize_t)addresses.count);
    for (size_t i = 0; list && i < addresses.count; i++) {
        PyObject *address = PyLong_FromUnsignedLongLong(addresses.items[i]);
        if (address)
            PyList_SET_ITEM(list, (Py_ssize_t)i, address);
        else
            Py_CLEAR(list);
    }
    array_clear(&addresses);
    return list;
}

static PyObject *crash_addr2sym(PyObject *module, PyObject *args)
{
    uint64_t address;
    uint64_t offset;
    int loose = 0;
    struct host_symbol symbol;
    if (!PyArg_ParseTuple(args, "O&|p:addr2sym", argument_address, &address, &loose))
        return NULL;
    bool found = symbols_at(address, &symbol, &offset);
    if (loose)
        return found ? Py_BuildValue("(sK)", symbol.name, (unsigned long long)offset)
                     : Py_BuildValue("(OO)", Py_None, Py_None);
    if (!found || offset)
        Py_RETURN_NONE;
    return PyUnicode_FromString(symbol.name);
}

static PyObject *crash_addr2mod(PyObject *module, PyObject *argument)
{
    uint64_t address;
    if (!argument_address(argument, &address))
        return NULL;
    const char *name = host_module_at(address);
    if (!name)
        Py_RETURN_NONE;
    return PyUnicode_FromString(name);
}

// -1 for what is no type, as crash's own macro has it.
static PyObject *size_of(PyObject *argument, const char *tag)
{
    const char *name = PyUnicode_AsUTF8(argument);
    char full[512];
    struct error err;
    if (!name)
        return NULL;
    int length = snprintf(full, sizeof(full), "%s%s", tag, name);
    const struct type *type =
        length > 0 && (size_t)length < sizeof(full) ? types_find(full, &err) : NULL;
    return type ? PyLong_FromUnsignedLongLong(type->size) : PyLong_FromLong(-1);
}

static PyObject *crash_struct_size(PyObject *module, PyObject *argument)
{
    return size_of(argument, "struct ");
}

static PyObject *crash_union_size(PyObject *module, PyObject *argument)
{
    return size_of(argument, "union ");
}

static PyObject *crash_enumerator_value(PyObject *module, PyObject *argument)
{
    const char *name = PyUnicode_AsUTF8(argument);
    int64_t value;
    if (!name)
        return NULL;
    if (!types_find_enumerator(name, &value))
        Py_RETURN_NONE;
    return PyLong_FromLongLong(value);
}

PyMethodDef crash_symbol_functions[] = {
    {"symbol_exists", crash_symbol_exists, METH_O, "symbol_exists(name) -> int: 1 or 0"},
    {"sym2addr", crash_sym2addr, METH_O,
     "sym2addr(name) -> int: address of the first symbol of that name, 0 if there is none"},
    {"sym2alladdr", crash_sym2alladdr, METH_O,
     "sym2alladdr(name) -> list of int: addresses of all symbols of that name"},
    {"addr2sym", crash_addr2sym, METH_VARARGS,
     "addr2sym(address, loose=False): the symbol's name or None; loose: (name, offset)"},
    {"addr2mod", crash_addr2mod, METH_O, "addr2mod(address) -> str: the module's name, or None"},
    {"struct_size", crash_struct_size, METH_O, "struct_size(tag) -> int: bytes, -1 if unknown"},
    {"union_size", crash_union_size, METH_O, "union_size(tag) -> int: bytes, -1 if unknown"},
    {"enumerator_value", crash_enumerator_value, METH_O,
     "enumerator_value(name) -> int: or None if there is no such enumerator"},
    {0},
};
