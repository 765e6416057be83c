// SPDX-License-Identifier: GPL-3.0-or-later
// Lists that are filled while a program's code may run: finding out about types looks for Ctrl-C,
// which runs signal handlers and, since Python 3.12, the garbage collector's callbacks; before,
// those ran wherever a tuple was made. Nobody is to find a list with holes there, so that until it
// is full the collector does not know it.
#ifndef MPYKDUMP_OBJECTS_LIST_H
#define MPYKDUMP_OBJECTS_LIST_H

#include <Python.h>

static inline PyObject *list_begin(size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    if (list)
        PyObject_GC_UnTrack(list);
    return list;
}

// Takes a list that is full, or NULL.
static inline PyObject *list_end(PyObject *list)
{
    if (list)
        PyObject_GC_Track(list);
    return list;
}

#endif
