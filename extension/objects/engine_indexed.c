// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: walks over what has indices, and over the objects of slab caches.
//
// Each returns the indices, what is there, and the report as a tuple.
#include "objects/engine_module.h"

#include "objects/arguments.h"
#include "objects/elements.h"
#include "objects/raise.h"
#include "objects/walk_arguments.h"
#include "walkers/maple.h"
#include "walkers/percpu.h"
#include "walkers/pointers.h"
#include "walkers/slab.h"
#include "walkers/slab_check.h"
#include "walkers/slab_index.h"
#include "walkers/xarray.h"

// A tuple of the numbers in the arrays, then the entries, then the report. Clears the arrays.
static PyObject *indexed_result(const struct elements *elements, struct array *const numbers[],
                                const char *const names[], size_t count, struct array *entries,
                                const struct walk_report *report)
{
    PyObject *result = report_raises(report) ? NULL : PyTuple_New((Py_ssize_t)count + 2);
    const struct elements plain = {.as_column = elements->as_column};
    for (size_t i = 0; result && i < count + 2; i++) {
        PyObject *item = i < count    ? elements_make(&plain, numbers[i], names[i])
                         : i == count ? elements_make(elements, entries, "entry")
                                      : report_tuple(report);
        if (item)
            PyTuple_SET_ITEM(result, (Py_ssize_t)i, item);
        else
            Py_CLEAR(result);
    }
    for (size_t i = 0; i < count; i++)
        array_clear(numbers[i]);
    array_clear(entries);
    return result;
}

static PyObject *walk_xarrays(PyObject *args, PyObject *kwargs, const char *format,
                              enum walk_end (*collect)(uint64_t, uint64_t, struct xarray_entries *,
                                                       struct walk_report *))
{
    static const char *const names[] = {"index"};
    struct walk_arguments parsed;
    struct xarray_entries found = {0};
    struct walk_report report = {0};
    if (!walk_arguments_parse(args, kwargs, format, false, &parsed))
        return NULL;
    collect(parsed.at, parsed.limit, &found, &report);
    struct array *const numbers[] = {&found.indices};
    return indexed_result(&parsed.elements, numbers, names, 1, &found.entries, &report);
}

static PyObject *walk_xarray(PyObject *module, PyObject *args, PyObject *kwargs)
{
    return walk_xarrays(args, kwargs, "O&|O$Kp:walk_xarray", xarray_collect);
}

static PyObject *walk_idr(PyObject *module, PyObject *args, PyObject *kwargs)
{
    return walk_xarrays(args, kwargs, "O&|O$Kp:walk_idr", idr_collect);
}

static PyObject *walk_maple(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static const char *const names[] = {"first", "last"};
    struct walk_arguments parsed;
    struct maple_entries found = {0};
    struct walk_report report = {0};
    if (!walk_arguments_parse(args, kwargs, "O&|O$Kp:walk_maple", false, &parsed))
        return NULL;
    maple_collect(parsed.at, parsed.limit, &found, &report);
    struct array *const numbers[] = {&found.firsts, &found.lasts};
    return indexed_result(&parsed.elements, numbers, names, 2, &found.entries, &report);
}

static PyObject *walk_percpu(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static const char *const names[] = {"cpu"};
    struct walk_arguments parsed;
    struct array cpus = {0};
    struct array addresses = {0};
    struct walk_report report = {0};
    // There are as many as there are; the limit is for the others.
    if (!walk_arguments_parse(args, kwargs, "O&|O$Kp:walk_percpu", false, &parsed))
        return NULL;
    percpu_collect(parsed.at, &cpus, &addresses, &report);
    struct array *const numbers[] = {&cpus};
    return indexed_result(&parsed.elements, numbers, names, 1, &addresses, &report);
}

// walk_pointers(array, count, struct=None, *, stride=8, limit=..., as_column=False)
static PyObject *walk_pointers(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"", "", "struct", "stride", "limit", "as_column", NULL};
    static const char *const names[] = {"index"};
    PyObject *name = Py_None;
    unsigned long long count;
    unsigned long long stride = sizeof(uint64_t);
    unsigned long long limit = ELEMENTS_DEFAULT_LIMIT;
    int as_column = 0;
    struct pointers_walk walk = {0};
    struct elements elements = {0};
    struct array indices = {0};
    struct array pointers = {0};
    struct walk_report report = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&K|O$KKp:walk_pointers", keywords,
                                     argument_address, &walk.array, &count, &name, &stride, &limit,
                                     &as_column) ||
        !elements_init(&elements, name, Py_None))
        return NULL;
    walk.count = count;
    walk.stride = stride;
    walk.limit = limit;
    elements.as_column = as_column != 0;
    pointers_collect(&walk, &indices, &pointers, &report);
    struct array *const numbers[] = {&indices};
    return indexed_result(&elements, numbers, names, 1, &pointers, &report);
}

// An address, or the name of a cache. False with an exception.
static int argument_cache(PyObject *object, void *address)
{
    struct error err;
    if (!PyUnicode_Check(object))
        return argument_address(object, address);
    const char *name = PyUnicode_AsUTF8(object);
    if (!name)
        return 0;
    if (slab_cache_find(name, address, &err))
        return 1;
    if (err.code == ERR_VALUE && !PyErr_Occurred())
        PyErr_Format(PyExc_KeyError, "no slab cache <%U>", object);
    else
        raise_error(&err);
    return 0;
}

// walk_slab(cache, struct=None, *, limit=..., as_column=False, free=False) -> (objects, report)
static PyObject *walk_slab(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"", "struct", "limit", "as_column", "free", NULL};
    PyObject *name = Py_None;
    uint64_t cache_address;
    unsigned long long limit = ELEMENTS_DEFAULT_LIMIT;
    int as_column = 0;
    int wants_free = 0;
    struct elements elements = {0};
    struct array objects = {0};
    struct walk_report report = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&|O$Kpp:walk_slab", keywords, argument_cache,
                                     &cache_address, &name, &limit, &as_column, &wants_free) ||
        !elements_init(&elements, name, Py_None))
        return NULL;
    elements.as_column = as_column != 0;
    slab_collect(cache_address, wants_free != 0, limit, &objects, &report);
    return elements_result(&elements, &objects, &report);
}

// slab_sums() -> (caches, slabs, objects, inuse, report)
static PyObject *slab_sums(PyObject *module, PyObject *unused)
{
    static const char *const names[] = {"cache", "slabs", "objects"};
    struct slab_sums sums = {0};
    struct walk_report report = {0};
    const struct elements plain = {0};
    slab_index_sum(&sums, &report);
    struct array *const numbers[] = {&sums.caches, &sums.slabs, &sums.objects};
    return indexed_result(&plain, numbers, names, 3, &sums.inuse, &report);
}

// slab_check(cache, limit) -> (kinds, slabs, places, values, report)
static PyObject *check_slabs(PyObject *module, PyObject *args)
{
    static const char *const names[] = {"kind", "slab", "place"};
    uint64_t cache_address;
    unsigned long long limit;
    struct slab_problems problems = {0};
    struct walk_report report = {0};
    const struct elements plain = {0};
    if (!PyArg_ParseTuple(args, "O&K:slab_check", argument_address, &cache_address, &limit))
        return NULL;
    slab_check(cache_address, limit, &problems, &report);
    struct array *const numbers[] = {&problems.kinds, &problems.slabs, &problems.places};
    return indexed_result(&plain, numbers, names, 3, &problems.values, &report);
}

#define ARGUMENTS ", struct=None, *, limit=..., as_column=False) -> "

PyMethodDef engine_indexed_functions[] = {
    {"walk_xarray", WITH_KEYWORDS(walk_xarray),
     "walk_xarray(xarray" ARGUMENTS "(indices, entries, report)"},
    {"walk_idr", WITH_KEYWORDS(walk_idr), "walk_idr(idr" ARGUMENTS "(ids, entries, report)"},
    {"walk_maple", WITH_KEYWORDS(walk_maple),
     "walk_maple(tree" ARGUMENTS "(firsts, lasts, entries, report)"},
    {"walk_percpu", WITH_KEYWORDS(walk_percpu),
     "walk_percpu(pointer" ARGUMENTS "(cpus, addresses, report)"},
    {"walk_pointers", WITH_KEYWORDS(walk_pointers),
     "walk_pointers(array, count, struct=None, *, stride=8, limit=..., as_column=False) ->\n"
     "(indices, pointers, report): those that are not NULL"},
    {"walk_slab", WITH_KEYWORDS(walk_slab),
     "walk_slab(cache or name" ARGUMENTS "(objects, report): KeyError for an unknown name"},
    {"slab_sums", slab_sums, METH_NOARGS,
     "slab_sums() -> (caches, slabs, objects, inuse, report): what the slabs of each say"},
    {"slab_check", check_slabs, METH_VARARGS,
     "slab_check(cache, limit) -> (kinds, slabs, places, values, report): contradictions"},
    {0},
};
