// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/elements.h"

#include "objects/column.h"
#include "objects/engine_module.h"
#include "objects/raise.h"
#include "objects/text.h"
#include "types/path.h"

bool elements_init(struct elements *elements, PyObject *name, PyObject *member)
{
    if (name == Py_None && member != Py_None) {
        PyErr_Format(PyExc_TypeError, "a member %R of which struct?", member);
        return false;
    }
    if (name == Py_None)
        return true;
    elements->class = engine_struct(name);
    if (!elements->class || member == Py_None)
        return elements->class != NULL;
    struct path path;
    struct error err;
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(member, &length);
    if (!text)
        return false;
    if (!path_compile(elements->class->type, text, (size_t)length, &path, &err)) {
        raise_error(&err);
        return false;
    }
    if (path.follows || path.bit_size) {
        PyErr_Format(PyExc_TypeError, "%R is not in the struct itself", member);
        return false;
    }
    elements->back = path.offset;
    return true;
}

// A list of instances, or of ints, of the addresses.
static PyObject *list_of(const struct array *nodes, const struct typed_class *class)
{
    PyObject *list = PyList_New((Py_ssize_t)nodes->count);
    for (size_t i = 0; list && i < nodes->count; i++) {
        uint64_t address = nodes->items[i];
        PyObject *node =
            class ? class_instance(class, address) : PyLong_FromUnsignedLongLong(address);
        if (node)
            PyList_SET_ITEM(list, (Py_ssize_t)i, node);
        else
            Py_CLEAR(list);
    }
    return list;
}

PyObject *elements_make(const struct elements *elements, struct array *nodes, const char *name)
{
    for (size_t i = 0; elements->back && i < nodes->count; i++)
        nodes->items[i] -= elements->back;
    if (elements->as_column)
        return column_of_addresses(nodes, elements->class ? elements->class->type : NULL, name);
    return list_of(nodes, elements->class);
}

const char *end_name(enum walk_end end)
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

bool report_raises(const struct walk_report *report)
{
    // A look-up of types on the way may have been interrupted.
    if (PyErr_Occurred())
        return true;
    if (report->end != WALK_END_ERROR || error_is_fault(report->error.code) ||
        report->error.code == ERR_DAMAGED)
        return false;
    raise_error(&report->error);
    return true;
}

PyObject *report_tuple(const struct walk_report *report)
{
    return Py_BuildValue("(sKKN)", end_name(report->end), (unsigned long long)report->at,
                         (unsigned long long)report->skipped, text_new(report->error.message));
}

PyObject *elements_result(const struct elements *elements, struct array *nodes,
                          const struct walk_report *report)
{
    PyObject *result = NULL;
    if (!report_raises(report)) {
        PyObject *found = elements_make(elements, nodes, "address");
        PyObject *tuple = found ? report_tuple(report) : NULL;
        if (tuple)
            result = PyTuple_Pack(2, found, tuple);
        Py_XDECREF(found);
        Py_XDECREF(tuple);
    }
    array_clear(nodes);
    return result;
}
