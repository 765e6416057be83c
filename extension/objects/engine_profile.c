// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: which code reads how much from the host, for the profiler.
#include "objects/engine_module.h"

#include <stdlib.h>

#include "base/map.h"
#include "memory/timed.h"

struct reads {
    PyObject *code; // of the innermost Python function; owned
    uint64_t count;
    uint64_t nanoseconds;
};

static struct map reads_by_code;

static void reads_free(struct reads *reads)
{
    Py_DECREF(reads->code);
    free(reads);
}

static struct reads *reads_of(PyObject *code)
{
    struct reads *reads = map_get(&reads_by_code, (uintptr_t)code);
    if (reads)
        return reads;
    reads = calloc(1, sizeof(*reads));
    if (!reads || !map_put(&reads_by_code, (uintptr_t)code, reads)) {
        free(reads);
        return NULL;
    }
    reads->code = Py_NewRef(code);
    return reads;
}

// A frame object may be made here, and must not start a collection: that runs other people's code,
// which may read, while the reader still looks at what it has read.
static void count_read(uint64_t nanoseconds)
{
    int collecting = PyGC_Disable();
    PyFrameObject *frame = PyEval_GetFrame();
    PyCodeObject *code = frame ? PyFrame_GetCode(frame) : NULL;
    struct reads *reads = code ? reads_of((PyObject *)code) : NULL;
    if (reads) {
        reads->count++;
        reads->nanoseconds += nanoseconds;
    }
    Py_XDECREF(code);
    if (collecting)
        PyGC_Enable();
}

static PyObject *profile_start(PyObject *module, PyObject *unused)
{
    timed_observe = count_read;
    Py_RETURN_NONE;
}

static PyObject *profile_stop(PyObject *module, PyObject *unused)
{
    struct map map = reads_by_code;
    PyObject *rows = PyList_New(0);
    timed_observe = NULL;
    reads_by_code = (struct map){0};
    for (size_t i = 0; map.slots && i <= map.mask; i++) {
        struct reads *reads = map.slots[i].value;
        if (!reads)
            continue;
        PyObject *row = rows ? Py_BuildValue("OKd", reads->code, (unsigned long long)reads->count,
                                             (double)reads->nanoseconds * 1e-9)
                             : NULL;
        if (!row || PyList_Append(rows, row) < 0)
            Py_CLEAR(rows);
        Py_XDECREF(row);
        reads_free(reads);
    }
    map_clear(&map);
    return rows;
}

PyMethodDef engine_profile_functions[] = {
    {"profile_start", profile_start, METH_NOARGS,
     "profile_start(): from now on, count and time what is read from the dump"},
    {"profile_stop", profile_stop, METH_NOARGS,
     "profile_stop() -> list: (code object, reads, seconds), by the innermost Python function"},
    {0},
};
