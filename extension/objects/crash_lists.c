// SPDX-License-Identifier: GPL-3.0-or-later
// Module `crash`: counting lists, and hash tables whose buckets have pointers.
#include <stdbool.h>

#include "objects/arguments.h"
#include "objects/crash_module.h"
#include "objects/list.h"
#include "objects/raise.h"
#include "objects/state.h"
#include "walkers/list.h"
#include "walkers/pointers.h"

static PyObject *crash_get_list_size(PyObject *module, PyObject *args)
{
    struct list_walk walk = {.offset = 0, .limit = 10000};
    Py_ssize_t offset = 0;
    Py_ssize_t limit = 10000;
    struct array nodes = {0};
    struct walk_report report;
    if (!PyArg_ParseTuple(args, "O&|nn:getListSize", argument_address, &walk.head, &offset, &limit))
        return argument_failure();
    walk.offset = (uint64_t)offset;
    walk.limit = limit > 0 ? (uint64_t)limit : 0;
    enum walk_end end = list_collect(&walk, &nodes, &report);
    size_t count = nodes.count;
    array_clear(&nodes);
    return end == WALK_END_ERROR ? raise_error(&report.error) : PyLong_FromSize_t(count);
}

// The buckets that are not empty; with their indices as tuples.
static PyObject *buckets_list(const struct array *indices, const struct array *pointers,
                              bool indexed)
{
    PyObject *list = list_begin(pointers->count);
    for (size_t i = 0; list && i < pointers->count; i++) {
        unsigned long long pointer = pointers->items[i];
        PyObject *item = indexed
                             ? Py_BuildValue("(KK)", (unsigned long long)indices->items[i], pointer)
                             : PyLong_FromUnsignedLongLong(pointer);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list_end(list);
}

static PyObject *get_full_buckets(PyObject *args, bool indexed)
{
    uint64_t start;
    Py_ssize_t size;
    Py_ssize_t items;
    Py_ssize_t offset;
    if (!PyArg_ParseTuple(args, "O&nnn:getFullBuckets", argument_address, &start, &size, &items,
                          &offset))
        return argument_failure();
    if (size <= 0 || items < 0)
        return PyErr_Format(objects_state()->error, "no table has %zd buckets of %zd bytes", items,
                            size);
    struct pointers_walk walk = {
        .array = start + (uint64_t)offset,
        .count = (uint64_t)items,
        .stride = (uint64_t)size,
        .limit = UINT64_MAX,
    };
    struct array indices = {0};
    struct array pointers = {0};
    struct walk_report report = {0};
    PyObject *list = NULL;
    enum walk_end end = pointers_collect(&walk, &indices, &pointers, &report);
    if (end == WALK_END_WHOLE)
        list = buckets_list(&indices, &pointers, indexed);
    else
        raise_error(&report.error);
    array_clear(&indices);
    array_clear(&pointers);
    return list;
}

static PyObject *crash_get_full_buckets(PyObject *module, PyObject *args)
{
    return get_full_buckets(args, false);
}

static PyObject *crash_get_full_buckets_h(PyObject *module, PyObject *args)
{
    return get_full_buckets(args, true);
}

PyMethodDef crash_list_functions[] = {
    {"getListSize", crash_get_list_size, METH_VARARGS,
     "getListSize(head, offset=0, maxel=10000) -> int: nodes of a list"},
    {"getFullBuckets", crash_get_full_buckets, METH_VARARGS,
     "getFullBuckets(start, bsize, items, chain_off) -> list of int: the pointers that are not "
     "NULL\n"
     "in a table of `items` buckets of `bsize` bytes, at `chain_off` in each; crash.error"},
    {"getFullBucketsH", crash_get_full_buckets_h, METH_VARARGS,
     "getFullBucketsH(start, bsize, items, chain_off) -> list of (bucket, pointer)"},
    {0},
};
