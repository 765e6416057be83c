// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: types, and values of any type.
#include "objects/engine_module.h"

#include "objects/arguments.h"
#include "objects/classes.h"
#include "objects/list.h"
#include "objects/raise.h"
#include "objects/state.h"
#include "objects/struct.h"
#include "types/types.h"

static PyObject *read_struct(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "readSU(type, address) takes 2 arguments, not %zd",
                            count);
    return struct_new(args[0], args[1]);
}

const struct type *engine_type(PyObject *name)
{
    const char *text = PyUnicode_AsUTF8(name);
    struct error err;
    if (!text)
        return NULL;
    const struct type *type = types_find(text, &err);
    if (!type)
        raise_error(&err);
    return type;
}

struct typed_class *engine_struct(PyObject *name)
{
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a type name is a str, not %s", Py_TYPE(name)->tp_name);
        return NULL;
    }
    PyObject *known = PyDict_GetItemWithError(objects_state()->struct_names, name);
    if (known || PyErr_Occurred())
        return known ? class_search((PyTypeObject *)known) : NULL;
    const struct type *type = engine_type(name);
    if (!type)
        return NULL;
    type = type_resolve(type);
    if (!type_is_aggregate(type)) {
        PyErr_Format(PyExc_TypeError, "%U is neither a struct nor a union", name);
        return NULL;
    }
    struct typed_class *class = class_for(type);
    if (!class ||
        PyDict_SetItem(objects_state()->struct_names, name, (PyObject *)class->python) < 0)
        return NULL;
    return class;
}

static PyObject *type_size(PyObject *module, PyObject *name)
{
    const struct type *type = engine_type(name);
    return type ? PyLong_FromUnsignedLongLong(type->size) : NULL;
}

// A list of (name, offset in bits, size in bits or 0, type as text).
static PyObject *type_members(PyObject *module, PyObject *name)
{
    const struct type *type = engine_type(name);
    struct error err;
    if (!type)
        return NULL;
    type = type_resolve(type);
    if (!type_is_aggregate(type))
        return PyErr_Format(PyExc_TypeError, "%U has no members", name);
    if (!type_complete(type, &err))
        return raise_error(&err);
    PyObject *list = list_begin(type->count);
    for (size_t i = 0; list && i < type->count; i++) {
        const struct type_member *member = &type->members[i];
        char text[256];
        type_format(member->type, text, sizeof(text));
        PyObject *item =
            Py_BuildValue("(sKIsK)", member->name, (unsigned long long)member->bit_offset,
                          member->bit_size, text, (unsigned long long)member->type->size);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list_end(list);
}

static PyObject *type_enumerators(PyObject *module, PyObject *name)
{
    const struct type *type = engine_type(name);
    struct error err;
    if (!type)
        return NULL;
    type = type_resolve(type);
    if (type->kind != TYPE_ENUM)
        return PyErr_Format(PyExc_TypeError, "%U is not an enum", name);
    if (!type_complete(type, &err))
        return raise_error(&err);
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict && i < type->count; i++) {
        PyObject *value = PyLong_FromLongLong(type->enumerators[i].value);
        if (!value || PyDict_SetItemString(dict, type->enumerators[i].name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

// The value of a type at an address, as a member of that type would be read.
static PyObject *read_value(PyObject *module, PyObject *args)
{
    PyObject *name;
    uint64_t address;
    struct reader reader;
    if (!PyArg_ParseTuple(args, "UO&:read_value", &name, argument_address, &address))
        return NULL;
    const struct type *type = engine_type(name);
    if (!type)
        return NULL;
    reader_init(&reader, type);
    return reader_read(&reader, address);
}

// The type of a variable as text, None if unknown.
static PyObject *variable_type(PyObject *module, PyObject *argument)
{
    const char *name = PyUnicode_AsUTF8(argument);
    char text[256];
    if (!name)
        return NULL;
    struct error err;
    const struct type *type = types_find_variable(name, &err);
    if (!type && err.code != ERR_NONE)
        return raise_error(&err);
    if (!type)
        Py_RETURN_NONE;
    type_format(type, text, sizeof(text));
    return PyUnicode_FromString(text);
}

// The value of a variable at an address, also of one whose type has no name.
static PyObject *read_variable(PyObject *module, PyObject *args)
{
    const char *name;
    uint64_t address;
    struct reader reader;
    struct error err;
    if (!PyArg_ParseTuple(args, "sO&:read_variable", &name, argument_address, &address))
        return NULL;
    const struct type *type = types_find_variable(name, &err);
    if (!type && err.code == ERR_NONE)
        error_set(&err, ERR_TYPE, "the type of %.256s is not known", name);
    if (!type)
        return raise_error(&err);
    reader_init(&reader, type);
    return reader_read(&reader, address);
}

static PyObject *observe_reads(PyObject *module, PyObject *argument)
{
    if (argument == Py_None) {
        Py_CLEAR(objects_state()->on_read);
    } else if (PyCallable_Check(argument)) {
        Py_XSETREF(objects_state()->on_read, Py_NewRef(argument));
    } else {
        return PyErr_Format(PyExc_TypeError, "an observer is a callable or None");
    }
    Py_RETURN_NONE;
}

PyMethodDef engine_type_functions[] = {
    {"readSU", (PyCFunction)(void (*)(void))read_struct, METH_FASTCALL,
     "readSU(type, address) -> StructResult: TypeError for an unknown type"},
    {"read_value", read_value, METH_VARARGS, "read_value(type, address): as a member is read"},
    {"type_size", type_size, METH_O, "type_size(type) -> int: bytes; TypeError"},
    {"type_members", type_members, METH_O,
     "type_members(type) -> list of (name, bit offset, bit size or 0, type, bytes); TypeError"},
    {"type_enumerators", type_enumerators, METH_O,
     "type_enumerators(type) -> dict of name to value; TypeError"},
    {"variable_type", variable_type, METH_O, "variable_type(name) -> str: or None if unknown"},
    {"read_variable", read_variable, METH_VARARGS,
     "read_variable(name, address): by the type of that variable, which may have no name"},
    {"observe_reads", observe_reads, METH_O,
     "observe_reads(callable or None): calls it with (type, member, address of the struct) before\n"
     "each member is read"},
    {0},
};
