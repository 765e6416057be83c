// SPDX-License-Identifier: GPL-3.0-or-later
// Module `_pykdump`: searching memory.
#include "memory/cache.h"
#include "objects/arguments.h"
#include "objects/engine_module.h"
#include "objects/list.h"
#include "objects/raise.h"
#include "objects/signals.h"
#include "objects/state.h"
#include "walkers/search.h"

static PyObject *ranges(PyObject *module, PyObject *unused)
{
    struct host_range found[HOST_MAX_RANGES];
    size_t count = host_ranges(found);
    PyObject *list = list_begin(count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *item = Py_BuildValue("(KKs)", (unsigned long long)found[i].start,
                                       (unsigned long long)found[i].end, found[i].name);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list_end(list);
}

// A Python callable told how far a search has come; what it raises ends the search.
static bool report_progress(uint64_t at, void *context)
{
    PyObject *done = PyObject_CallFunction(context, "K", (unsigned long long)at);
    Py_XDECREF(done);
    return done != NULL;
}

static PyObject *run_search(struct search *search, PyObject *progress)
{
    struct array matches = {0};
    struct search_counts counts = {0};
    struct walk_report report = {0};
    if (progress != Py_None) {
        search->progress = report_progress;
        search->context = progress;
    }
    enum walk_end end = search_collect(search, &matches, &counts, &report);
    PyObject *result = NULL;
    if (end == WALK_END_ERROR) {
        raise_error(&report.error);
    } else {
        PyObject *list = PyList_New((Py_ssize_t)matches.count);
        for (size_t i = 0; list && i < matches.count; i++) {
            PyObject *address = PyLong_FromUnsignedLongLong(matches.items[i]);
            if (address)
                PyList_SET_ITEM(list, (Py_ssize_t)i, address);
            else
                Py_CLEAR(list);
        }
        if (list)
            result =
                Py_BuildValue("(NOKKK)", list, end == WALK_END_WHOLE ? Py_True : Py_False,
                              (unsigned long long)counts.pages, (unsigned long long)counts.excluded,
                              (unsigned long long)counts.skipped);
    }
    array_clear(&matches);
    return result;
}

static PyObject *search_words(PyObject *module, PyObject *args)
{
    struct search search = {0};
    unsigned long long limit;
    Py_ssize_t size;
    PyObject *progress = Py_None;
    if (!PyArg_ParseTuple(args, "O&O&O&O&nK|O:search_words", argument_address, &search.start,
                          argument_address, &search.end, argument_address, &search.value,
                          argument_address, &search.mask, &size, &limit, &progress))
        return NULL;
    if (size != 2 && size != 4 && size != 8)
        return PyErr_Format(PyExc_ValueError, "words have 2, 4 or 8 bytes, not %zd", size);
    search.word_size = (size_t)size;
    search.limit = limit;
    return run_search(&search, progress);
}

static PyObject *search_bytes(PyObject *module, PyObject *args)
{
    struct search search = {0};
    unsigned long long limit;
    Py_buffer needle;
    PyObject *progress = Py_None;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "O&O&y*K|O:search_bytes", argument_address, &search.start,
                          argument_address, &search.end, &needle, &limit, &progress))
        return NULL;
    search.needle = needle.buf;
    search.needle_size = (size_t)needle.len;
    search.limit = limit;
    if (needle.len < 1 || needle.len > SEARCH_MAX_NEEDLE)
        PyErr_Format(PyExc_ValueError, "1 to %d bytes can be searched, not %zd", SEARCH_MAX_NEEDLE,
                     needle.len);
    else
        result = run_search(&search, progress);
    PyBuffer_Release(&needle);
    return result;
}

// readable_run(start, end, pages) -> (address, bytes, excluded, skipped): the first readable pages
// from `start` on that lie one behind the other; b"" at the end.
static PyObject *readable_run(PyObject *module, PyObject *args)
{
    uint64_t start;
    uint64_t end;
    Py_ssize_t limit;
    uint64_t skipped[2] = {0, 0};
    if (!PyArg_ParseTuple(args, "O&O&n:readable_run", argument_address, &start, argument_address,
                          &end, &limit))
        return NULL;
    if (limit < 1 || limit > 1 << 16)
        return PyErr_Format(PyExc_ValueError, "a run has 1 to 65536 pages, not %zd", limit);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, limit * HOST_PAGE_SIZE);
    if (!bytes)
        return NULL;
    uint64_t page = start & ~(uint64_t)(HOST_PAGE_SIZE - 1);
    uint64_t run = page;
    Py_ssize_t count = 0;
    uint64_t visited = 0;
    // The last page of memory ends where addresses begin again: hence the second condition.
    for (uint64_t first = page; page < end && page >= first && count < limit;
         page += HOST_PAGE_SIZE) {
        uint8_t *place = (uint8_t *)PyBytes_AS_STRING(bytes) + count * HOST_PAGE_SIZE;
        struct error err;
        if (++visited % WALK_INTERRUPT_INTERVAL == 0 && signals_check() < 0) {
            Py_DECREF(bytes);
            return NULL;
        }
        const uint8_t *found = cache_page(page, place, &err);
        if (!found && !error_is_fault(err.code)) {
            Py_DECREF(bytes);
            return raise_error(&err);
        }
        if (!found && count)
            break;
        if (!found) {
            skipped[err.code != ERR_EXCLUDED]++;
            run = page + HOST_PAGE_SIZE;
            continue;
        }
        if (found != place)
            memcpy(place, found, HOST_PAGE_SIZE);
        count++;
    }
    if (_PyBytes_Resize(&bytes, count * HOST_PAGE_SIZE) < 0)
        return NULL;
    return Py_BuildValue("(KNKK)", (unsigned long long)run, bytes, (unsigned long long)skipped[0],
                         (unsigned long long)skipped[1]);
}

PyMethodDef engine_search_functions[] = {
    {"ranges", ranges, METH_NOARGS,
     "ranges() -> list of (start, end, name): the kernel's address space"},
    {"search_words", search_words, METH_VARARGS,
     "search_words(start, end, value, mask, size, limit, progress=None) ->\n"
     "(addresses, complete, pages searched, excluded, skipped otherwise)"},
    {"search_bytes", search_bytes, METH_VARARGS,
     "search_bytes(start, end, needle, limit, progress=None) -> as search_words"},
    {"readable_run", readable_run, METH_VARARGS,
     "readable_run(start, end, pages) -> (address, bytes, excluded, skipped): pages in a row"},
    {0},
};
