// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: one type with all that it is made of, as plain data.
#include "objects/engine_module.h"

#include <string.h>

#include "objects/list.h"
#include "objects/raise.h"
#include "types/types.h"

enum {
    MAX_NESTING = 32,   // of pointers, arrays, typedefs, structs without name
    MAX_FUNCTIONS = 3,  // that take functions that take functions
    MAX_NODES = 200000, // damaged debug information may be endless all the same
};

// How far into a type we are.
struct depth {
    size_t *nodes;
    int nesting;
    int functions;
};

static const char *kind_name(enum type_kind kind)
{
    static const char *const names[] = {
        [TYPE_VOID] = "void",         [TYPE_INT] = "int",         [TYPE_BOOL] = "bool",
        [TYPE_FLOAT] = "float",       [TYPE_ENUM] = "enum",       [TYPE_STRUCT] = "struct",
        [TYPE_UNION] = "union",       [TYPE_POINTER] = "pointer", [TYPE_ARRAY] = "array",
        [TYPE_FUNCTION] = "function", [TYPE_TYPEDEF] = "typedef",
    };
    return names[kind];
}

static PyObject *describe(const struct type *type, bool expand, struct depth depth);

static PyObject *describe_member(const struct type_member *member, struct depth depth)
{
    PyObject *type = describe(member->type, false, depth);
    if (!type)
        return NULL;
    return Py_BuildValue("(sKIN)", member->name, (unsigned long long)member->bit_offset,
                         member->bit_size, type);
}

// Members, enumerators or parameters.
static PyObject *describe_list(const struct type *type, struct depth depth)
{
    struct error err;
    if (!type_complete(type, &err))
        return raise_error(&err);
    PyObject *list = list_begin(type->count);
    for (size_t i = 0; list && i < type->count; i++) {
        PyObject *item;
        if (type->kind == TYPE_ENUM)
            item = Py_BuildValue("(sL)", type->enumerators[i].name,
                                 (long long)type->enumerators[i].value);
        else if (type->kind == TYPE_FUNCTION)
            item = describe(type->parameters[i], false, depth);
        else
            item = describe_member(&type->members[i], depth);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list_end(list);
}

static PyObject *describe_content(const struct type *type, bool expand, struct depth depth)
{
    bool listed = type->kind == TYPE_ENUM;
    if (type_is_aggregate(type))
        listed = expand || !type->name;
    if (type->kind == TYPE_FUNCTION)
        listed = ++depth.functions <= MAX_FUNCTIONS;
    return listed ? describe_list(type, depth) : Py_NewRef(Py_None);
}

static PyObject *describe_target(const struct type *type, bool expand, struct depth depth)
{
    switch (type->kind) {
    case TYPE_POINTER:
    case TYPE_ARRAY:
    case TYPE_FUNCTION:
        return describe(type_target(type), false, depth);
    case TYPE_TYPEDEF:
        return describe(type_target(type), expand, depth);
    default:
        return Py_NewRef(Py_None);
    }
}

// The members of a struct with a name are listed when `expand` is set.
static PyObject *describe(const struct type *type, bool expand, struct depth depth)
{
    if (++*depth.nodes > MAX_NODES || ++depth.nesting > MAX_NESTING)
        return PyErr_Format(PyExc_TypeError, "a type too complicated to describe");
    PyObject *target = describe_target(type, expand, depth);
    PyObject *content = target ? describe_content(type, expand, depth) : NULL;
    // Asking about types can be interrupted, and what is missing here then is not told elsewhere.
    if (!content || PyErr_Occurred()) {
        Py_XDECREF(target);
        Py_XDECREF(content);
        return NULL;
    }
    return Py_BuildValue("(szKNKNN)", kind_name(type->kind), type->name,
                         (unsigned long long)type->size, PyBool_FromLong(type->is_signed),
                         (unsigned long long)type->length, target, content);
}

static PyObject *describe_all(const struct type *type, bool expand)
{
    size_t nodes = 0;
    return describe(type, expand, (struct depth){.nodes = &nodes});
}

PyObject *engine_describe_type(const struct type *type)
{
    return describe_all(type, true);
}

static PyObject *describe_type(PyObject *module, PyObject *name)
{
    const struct type *type = engine_type(name);
    return type ? describe_all(type, true) : NULL;
}

// A name is looked up as cheaply as possible; gdb is asked for anything else.
static const struct type *find_expression(const char *text, struct error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    const struct type *type = NULL;
    err->code = ERR_NONE;
    if (text[strspn(text, letters)] == '\0') {
        type = types_find_function(text, err);
        if (!type && err->code == ERR_NONE)
            type = types_find_variable(text, err);
    }
    if (!type && err->code == ERR_NONE && !PyErr_Occurred())
        type = types_find_expression(text, err);
    return type;
}

static PyObject *describe_expression(PyObject *module, PyObject *argument)
{
    const char *text = PyUnicode_AsUTF8(argument);
    struct error err;
    if (!text)
        return NULL;
    const struct type *type = find_expression(text, &err);
    return type ? describe_all(type, false) : raise_error(&err);
}

PyMethodDef engine_describe_functions[] = {
    {"describe_type", describe_type, METH_O,
     "describe_type(type) -> (kind, name, size, is_signed, length, target, content); TypeError.\n"
     "target: the same of what a pointer points to, an array has, a function returns, a typedef\n"
     "names; content: of a function its parameters; of an enum a list of (name, value); of a "
     "struct\n"
     "or union that was asked for, or has no name, a list of (name, bit offset, bit size or 0, "
     "type)"},
    {"describe_expression", describe_expression, METH_O,
     "describe_expression(text): the same of the type of a C expression"},
    {0},
};
