// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: everything that the debug information defines, as plain data.
#include "objects/engine_module.h"

#include "base/length.h"
#include "objects/list.h"
#include "objects/raise.h"
#include "types/types.h"

enum { MAX_NESTING = 8 }; // of structs without name, described within their users

static PyObject *describe_content(const struct type *type, int nesting);

// The struct or enum without name that a member's type ends in; NULL if it ends in anything else.
static const struct type *nameless(const struct type *type)
{
    for (int i = 0; i < MAX_NESTING; i++) {
        if (type->kind != TYPE_ARRAY && type->kind != TYPE_POINTER)
            break;
        type = type_target(type);
    }
    return !type->name && (type_is_aggregate(type) || type->kind == TYPE_ENUM) ? type : NULL;
}

static PyObject *describe_nameless(const struct type *type, int nesting)
{
    const struct type *inner = nameless(type);
    if (!inner || nesting == MAX_NESTING)
        return Py_NewRef(Py_None);
    return describe_content(inner, nesting + 1);
}

static PyObject *describe_member(const struct type_member *member, int nesting)
{
    char text[256];
    type_format(member->type, text, sizeof(text));
    PyObject *inner = describe_nameless(member->type, nesting);
    if (!inner)
        return NULL;
    return Py_BuildValue("(sKIsKN)", member->name, (unsigned long long)member->bit_offset,
                         member->bit_size, text, (unsigned long long)member->type->size, inner);
}

static PyObject *describe_list(const struct type *type, int nesting)
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
        else
            item = describe_member(&type->members[i], nesting);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list_end(list);
}

// Members, enumerators, what a typedef names; None for base types.
static PyObject *describe_content(const struct type *type, int nesting)
{
    if (type_is_aggregate(type) || type->kind == TYPE_ENUM)
        return describe_list(type, nesting);
    if (type->kind != TYPE_TYPEDEF)
        return Py_NewRef(Py_None);
    char text[256];
    const struct type *target = type_target(type);
    type_format(target, text, sizeof(text));
    PyObject *inner = describe_nameless(target, nesting);
    return inner ? Py_BuildValue("(sN)", text, inner) : NULL;
}

static PyObject *describe(const struct type *type)
{
    PyObject *content = describe_content(type, 0);
    if (!content)
        return NULL;
    return Py_BuildValue("(sKNN)", type->name, (unsigned long long)type->size,
                         PyBool_FromLong(type->is_signed), content);
}

static bool space_from(PyObject *argument, enum type_space *space)
{
    static const struct {
        const char *name;
        enum type_space space;
    } spaces[] = {
        {"struct", TYPE_SPACE_STRUCT},
        {"union", TYPE_SPACE_UNION},
        {"enum", TYPE_SPACE_ENUM},
        {"typedef", TYPE_SPACE_ORDINARY},
    };
    for (size_t i = 0; PyUnicode_Check(argument) && i < ARRAY_LENGTH(spaces); i++) {
        if (PyUnicode_CompareWithASCIIString(argument, spaces[i].name) == 0) {
            *space = spaces[i].space;
            return true;
        }
    }
    PyErr_Format(PyExc_ValueError, "%R is none of 'struct', 'union', 'enum', 'typedef'", argument);
    return false;
}

// A list of what `make` says of each definition of a space.
static PyObject *list_space(PyObject *argument, PyObject *(*make)(const struct type *))
{
    enum type_space space;
    struct error err;
    size_t cursor = 0;
    if (!space_from(argument, &space))
        return NULL;
    PyObject *list = PyList_New(0);
    for (const struct type *type; list && (type = types_next(space, &cursor, &err));) {
        PyObject *item = make(type);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    if (list && err.code != ERR_NONE) {
        Py_DECREF(list);
        return raise_error(&err);
    }
    return list;
}

static PyObject *type_name(const struct type *type)
{
    return PyUnicode_FromString(type->name);
}

static PyObject *type_names(PyObject *module, PyObject *space)
{
    return list_space(space, type_name);
}

static PyObject *type_definitions(PyObject *module, PyObject *space)
{
    return list_space(space, describe);
}

PyMethodDef engine_definition_functions[] = {
    {"type_names", type_names, METH_O,
     "type_names('struct', 'union', 'enum' or 'typedef') -> list of names, one for each "
     "definition;\n"
     "'typedef' includes base types"},
    {"type_definitions", type_definitions, METH_O,
     "type_definitions(space) -> list of (name, size, is_signed, content): all definitions.\n"
     "content: of a struct or union a list of (name, bit offset, bit size or 0, type, bytes, "
     "content\n"
     "of a type without name or None); of an enum a list of (name, value); of a typedef (type,\n"
     "content of a type without name or None); of a base type None"},
    {0},
};
