// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/signals.h"

#include <stdbool.h>

#include "base/cleanup.h"
#include "objects/engine_module.h"

// Of the main thread, in which alone Python runs handlers.
static bool checking;     // a loop of the engine has asked for handlers to run
static bool queued;       // run_waiting is in Python's queue
static PyObject *waiting; // what a handler wants called after the loop, or NULL

// Python calls it between two bytecodes; those of a handler within a loop count as well.
static int run_waiting(void *unused)
{
    queued = false;
    if (checking || !waiting)
        return 0;
    PyObject *callable = TRANSFER(waiting);
    PyObject *done = PyObject_CallNoArgs(callable);
    Py_DECREF(callable);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

int signals_check(void)
{
    bool within = checking;
    checking = true;
    int status = PyErr_CheckSignals();
    checking = within;
    // A queue that is full is tried again at the next check.
    if (waiting && !queued && !checking)
        queued = Py_AddPendingCall(run_waiting, NULL) == 0;
    return status;
}

static PyObject *call_outside_loops(PyObject *module, PyObject *callable)
{
    if (!checking)
        return PyObject_CallNoArgs(callable);
    Py_XSETREF(waiting, Py_NewRef(callable));
    Py_RETURN_NONE;
}

PyMethodDef engine_signal_functions[] = {
    {"call_outside_loops", call_outside_loops, METH_O,
     "call_outside_loops(callable): now, or when the engine's loop that runs has ended"},
    {0},
};
