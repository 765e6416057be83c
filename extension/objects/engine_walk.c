// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: walks.
#include "objects/engine_module.h"

#include "objects/arguments.h"
#include "objects/classes.h"
#include "objects/raise.h"
#include "walkers/list.h"

static const char *end_name(enum walk_end end)
{
    switch (end) {
    case WALK_END_WHOLE:
        return "whole";
    case WALK_END_LIMIT:
        return "limit";
    case WALK_END_CYCLE:
        return "cycle";
    case WALK_END_PARTIAL:
        return "partial";
    case WALK_END_ERROR:
        break;
    }
    return "error";
}

// A list of `class` instances (plain ints if NULL) of node addresses less `back`.
static PyObject *node_objects(const struct array *nodes, const struct typed_class *class,
                              uint64_t back)
{
    PyObject *list = PyList_New((Py_ssize_t)nodes->count);
    for (size_t i = 0; list && i < nodes->count; i++) {
        uint64_t address = nodes->items[i] - back;
        PyObject *node =
            class ? class_instance(class, address) : PyLong_FromUnsignedLongLong(address);
        if (node)
            PyList_SET_ITEM(list, (Py_ssize_t)i, node);
        else
            Py_CLEAR(list);
    }
    return list;
}

// list_nodes(head, offset, limit, struct=None, back=0) -> (nodes, end, address, message)
static PyObject *list_nodes(PyObject *module, PyObject *args)
{
    struct list_walk walk = {0};
    unsigned long long limit;
    PyObject *name = Py_None;
    uint64_t back = 0;
    if (!PyArg_ParseTuple(args, "O&O&K|OO&:list_nodes", argument_address, &walk.head,
                          argument_address, &walk.offset, &limit, &name, argument_address, &back))
        return NULL;
    walk.limit = limit;
    struct typed_class *class = NULL;
    if (name != Py_None) {
        const struct type *type = engine_type(name);
        if (!type)
            return NULL;
        type = type_resolve(type);
        if (!type_is_aggregate(type))
            return PyErr_Format(PyExc_TypeError, "%U is neither a struct nor a union", name);
        class = class_for(type);
        if (!class)
            return NULL;
    }
    struct array nodes = {0};
    struct walk_report report = {0};
    enum walk_end end = list_collect(&walk, &nodes, &report);
    PyObject *result = NULL;
    if (end == WALK_END_ERROR && !error_is_fault(report.error.code)) {
        raise_error(&report.error);
    } else {
        PyObject *objects = node_objects(&nodes, class, back);
        if (objects)
            result = Py_BuildValue("(NsKs)", objects, end_name(end), (unsigned long long)report.at,
                                   report.error.message);
    }
    array_clear(&nodes);
    return result;
}

PyMethodDef engine_walk_functions[] = {
    {"list_nodes", list_nodes, METH_VARARGS,
     "list_nodes(head, offset, limit, struct=None, back=0) -> (nodes, end, address, message):\n"
     "end is 'whole', 'limit', 'cycle' or 'error', at the address"},
    {0},
};
