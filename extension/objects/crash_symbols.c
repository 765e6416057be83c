// SPDX-License-Identifier: GPL-3.0-or-later
// Module `crash`: symbols, and sizes of types.
#include <stdbool.h>
#include <stdio.h>

#include "base/length.h"
#include "base/message.h"
#include "host/host.h"
#include "objects/arguments.h"
#include "objects/crash_module.h"
#include "objects/raise.h"
#include "objects/state.h"
#include "objects/text.h"
#include "objects/type_text.h"
#include "symbols/symbols.h"
#include "types/types.h"

enum { MAX_SYSCALLS = 4096 }; // of a table whose type is not known

static PyObject *crash_symbol_exists(PyObject *module, PyObject *argument)
{
    struct host_symbol symbol;
    const char *name = argument_text(argument);
    bool found = name && symbols_find(name, &symbol);
    return !found && PyErr_Occurred() ? NULL : PyLong_FromLong(found);
}

static PyObject *crash_sym2addr(PyObject *module, PyObject *argument)
{
    struct host_symbol symbol;
    const char *name = argument_text(argument);
    if (!name)
        return NULL;
    bool found = symbols_find(name, &symbol);
    if (!found && PyErr_Occurred())
        return NULL;
    return PyLong_FromUnsignedLongLong(found ? symbol.address : 0);
}

static PyObject *crash_sym2alladdr(PyObject *module, PyObject *argument)
{
    struct array addresses = {0};
    const char *name = argument_text(argument);
    if (!name)
        return NULL;
    if (!symbols_find_all(name, &addresses)) {
        array_clear(&addresses);
        return PyErr_NoMemory();
    }
    PyObject *list = PyErr_Occurred() ? NULL : PyList_New((Py_ssize_t)addresses.count);
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
        return argument_failure();
    bool found = symbols_at(address, &symbol, &offset);
    if (PyErr_Occurred())
        return NULL;
    if (loose)
        return found ? Py_BuildValue("(NK)", text_new(symbol.name), (unsigned long long)offset)
                     : Py_BuildValue("(OO)", Py_None, Py_None);
    if (!found || offset)
        Py_RETURN_NONE;
    return text_new(symbol.name);
}

static PyObject *crash_addr2mod(PyObject *module, PyObject *argument)
{
    uint64_t address;
    if (!argument_address(argument, &address))
        return NULL;
    struct message message = {.kind = MESSAGE_SYMBOL, .what = "module", .address = address};
    message_send(&message);
    const char *name = host_module_at(address);
    message.name = name;
    message_receive(&message, name != NULL, NULL);
    if (PyErr_Occurred())
        return NULL;
    return text_or_none(name);
}

// -1 for what is no type, as crash's own macro has it.
static PyObject *size_of(PyObject *argument, const char *tag)
{
    const char *name = argument_text(argument);
    char full[TYPE_TEXT_SIZE];
    struct error err;
    if (!name)
        return NULL;
    int length = snprintf(full, sizeof(full), "%s%s", tag, name);
    const struct type *type =
        length > 0 && (size_t)length < sizeof(full) ? types_find(full, &err) : NULL;
    if (PyErr_Occurred())
        return NULL;
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

// The struct or union of a name or a tag, with its members; NULL if there is none.
static const struct type *aggregate_named(const char *name)
{
    static const char *const tags[] = {"struct ", "union ", ""};
    char full[TYPE_TEXT_SIZE];
    struct error err;
    for (size_t i = 0; i < ARRAY_LENGTH(tags); i++) {
        int length = snprintf(full, sizeof(full), "%s%s", tags[i], name);
        const struct type *type =
            length > 0 && (size_t)length < sizeof(full) ? types_find(full, &err) : NULL;
        type = type ? type_resolve(type) : NULL;
        if (type && type_is_aggregate(type) && type_complete(type, &err))
            return type;
    }
    return NULL;
}

static PyObject *crash_member(PyObject *args, bool want_size)
{
    const char *name;
    const char *member;
    if (!PyArg_ParseTuple(args, "ss", &name, &member))
        return argument_failure();
    const struct type *type = aggregate_named(name);
    const struct type_member *found = type ? type_member_find(type, member) : NULL;
    if (PyErr_Occurred())
        return NULL;
    if (!found)
        return PyLong_FromLong(-1);
    return PyLong_FromUnsignedLongLong(want_size ? found->type->size : found->bit_offset / 8);
}

static PyObject *crash_member_offset(PyObject *module, PyObject *args)
{
    return crash_member(args, false);
}

static PyObject *crash_member_size(PyObject *module, PyObject *args)
{
    return crash_member(args, true);
}

// As many as the kernel's table has entries.
static PyObject *crash_get_nr_syscalls(PyObject *module, PyObject *unused)
{
    struct host_symbol table;
    struct error err;
    if (!symbols_find("sys_call_table", &table))
        return PyErr_Occurred()
                   ? NULL
                   : PyErr_Format(objects_state()->error, "this kernel has no sys_call_table");
    const struct type *type = types_find_variable("sys_call_table", &err);
    if (!type && err.code != ERR_NONE)
        return raise_error(&err);
    type = type ? type_resolve(type) : NULL;
    if (type && type->kind == TYPE_ARRAY && type->length)
        return PyLong_FromUnsignedLongLong(type->length);
    // Up to the next symbol.
    uint64_t end = table.address;
    struct host_symbol next;
    uint64_t offset;
    do
        end += sizeof(uint64_t);
    while (end - table.address < MAX_SYSCALLS * sizeof(uint64_t) &&
           symbols_at(end, &next, &offset) && next.address <= table.address);
    if (PyErr_Occurred())
        return NULL;
    return PyLong_FromUnsignedLongLong((end - table.address) / sizeof(uint64_t));
}

static PyObject *crash_enumerator_value(PyObject *module, PyObject *argument)
{
    const char *name = argument_text(argument);
    int64_t value;
    if (!name)
        return NULL;
    bool found = types_find_enumerator(name, &value);
    if (PyErr_Occurred())
        return NULL;
    if (!found)
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
    {"member_offset", crash_member_offset, METH_VARARGS,
     "member_offset(tag, member) -> int: bytes, -1 if unknown"},
    {"member_size", crash_member_size, METH_VARARGS,
     "member_size(tag, member) -> int: bytes, -1 if unknown"},
    {"get_NR_syscalls", crash_get_nr_syscalls, METH_NOARGS,
     "get_NR_syscalls() -> int: entries of the table of system calls; crash.error"},
    {"enumerator_value", crash_enumerator_value, METH_O,
     "enumerator_value(name) -> int: or None if there is no such enumerator"},
    {0},
};
