// SPDX-License-Identifier: GPL-3.0-or-later
#include "epython/leaving.h"

#include <Python.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "epython/interpreter.h"
#include "epython/session.h"
#include "host/host.h"

// glibc's: what it is given runs first of all in exit(), the last one first.
extern int __cxa_thread_atexit_impl(void (*function)(void *), void *argument, void *library);
extern void *__dso_handle __attribute__((visibility("hidden")));

static pid_t owner; // programs fork
static bool done;
static bool leaving;

static PyObject *call_atexit(const char *name)
{
    PyObject *module = PyImport_ImportModule("atexit");
    PyObject *result = module ? PyObject_CallMethod(module, name, NULL) : NULL;
    Py_XDECREF(module);
    return result;
}

static void complain(void)
{
    struct error err;
    interpreter_take_exception(&err);
    fprintf(stderr, "mpykdump: %s\n", err.message);
}

// Not in the middle of a program, nor in a child of one.
static void run_functions(void *unused)
{
    struct host_entry entry;
    if (done || session_is_running() || getpid() != owner)
        return;
    done = true;
    host_enter(&entry);
    PyObject *result = call_atexit("_run_exitfuncs");
    if (!result)
        complain();
    Py_XDECREF(result);
    host_leave(&entry);
}

static void note_exit(void)
{
    leaving = true;
}

void leaving_init(void)
{
    static bool registered;
    owner = getpid();
    if (!registered)
        registered = atexit(note_exit) == 0;
}

// The functions must run before the thread's C++ objects are destroyed, which greenlet has and
// needs to run Python at all. exit() takes the youngest first, and a program may have made one:
// hence once more after each command, for as long as there is something to run.
void leaving_prepare(void)
{
    PyObject *count = call_atexit("_ncallbacks");
    if (!count)
        complain();
    else if (PyLong_AsLong(count) > 0)
        __cxa_thread_atexit_impl(run_functions, NULL, &__dso_handle);
    Py_XDECREF(count);
}

bool leaving_now(void)
{
    return leaving;
}
