// SPDX-License-Identifier: GPL-3.0-or-later
#include "epython/session.h"

#include <Python.h>
#include <stdio.h>
#include <unistd.h>

#include "build.h"
#include "epython/interpreter.h"
#include "epython/leaving.h"
#include "host/host.h"
#include "memory/cache.h"
#include "memory/user.h"
#include "objects/state.h"
#include "symbols/symbols.h"

enum { CACHE_PAGES = 16384 }; // 64 MiB

static PyObject *framework; // module pykdump.session
static pid_t owner;         // the process that crash runs in; programs may fork
static unsigned depth;      // commands that run, one within the other
static char command[256];   // the outermost of them

static bool register_commands(PyObject *programs, struct error *err)
{
    PyObject *sequence = PySequence_Fast(programs, "start() returns a sequence of programs");
    bool ok = sequence != NULL;
    for (Py_ssize_t i = 0; ok && i < PySequence_Fast_GET_SIZE(sequence); i++) {
        struct host_registration registration;
        PyObject *words = PySequence_Fast_GET_ITEM(sequence, i);
        ok = PyArg_ParseTuple(words, "ssss", &registration.name, &registration.summary,
                              &registration.synopsis, &registration.help);
        struct error refused;
        if (ok && !host_command_register(&registration, &refused))
            fprintf(stderr, "mpykdump: %s\n", refused.message);
    }
    Py_XDECREF(sequence);
    if (!ok)
        interpreter_take_exception(err);
    return ok;
}

// The framework comes from the plug-in's own archive, whatever lies elsewhere.
static PyObject *import_framework(const char *file)
{
    PyObject *path = PySys_GetObject("path");
    PyObject *archive = PyUnicode_FromFormat("%s/pylib", file);
    PyObject *module = NULL;
    if (path && archive && PyList_Insert(path, 0, archive) == 0)
        module = PyImport_ImportModule("pykdump.session");
    Py_XDECREF(archive);
    return module;
}

// After a command, and what clients from outside have had run at the prompt.
static void settle(void)
{
    // A program's choice of a task is its own; crash's context is the user's.
    host_task_select(0, NULL);
    objects_command_done();
    leaving_prepare();
    // A Ctrl-C that came too late for this program is not for the next.
    while (PyErr_CheckSignals() < 0)
        PyErr_Clear();
}

// Signals have handlers in Python which wait for Python to run.
static void on_prompt_signal(void)
{
    struct host_entry entry;
    if (depth)
        return;
    host_enter(&entry);
    symbols_refresh();
    settle();
    host_leave(&entry);
}

bool session_start(const char *file, struct error *err)
{
    struct host_info info;
    host_info_get(&info);
    if (!cache_resize(info.live ? 0 : CACHE_PAGES, err))
        return false;
    owner = getpid();
    leaving_init();
    framework = import_framework(file);
    PyObject *programs = framework ? PyObject_CallMethod(framework, "start", "ssz", file,
                                                         MPYKDUMP_BUILD, getenv("PYKDUMPPATH"))
                                   : NULL;
    if (!programs) {
        interpreter_take_exception(err);
        return false;
    }
    bool ok = register_commands(programs, err);
    Py_DECREF(programs);
    host_prompt_watch(on_prompt_signal);
    leaving_prepare();
    return ok;
}

static PyObject *word_list(int argc, char **argv)
{
    PyObject *words = PyList_New(argc);
    for (int i = 0; words && i < argc; i++) {
        PyObject *word = PyUnicode_DecodeFSDefault(argv[i]);
        if (word)
            PyList_SET_ITEM(words, i, word);
        else
            Py_CLEAR(words);
    }
    return words;
}

static void command_note(int argc, char **argv)
{
    size_t at = 0;
    for (int i = 0; i < argc && at < sizeof(command); i++)
        at += (size_t)snprintf(command + at, sizeof(command) - at, "%s%s", i ? " " : "", argv[i]);
}

const char *session_command(void)
{
    return command;
}

void session_run(int argc, char **argv)
{
    struct host_entry entry;
    struct error err;
    host_enter(&entry);
    symbols_refresh();
    if (depth++ == 0)
        command_note(argc, argv);

    // Held: the command may unload the plug-in.
    PyObject *module = Py_NewRef(framework);
    PyObject *words = word_list(argc, argv);
    PyObject *status = words ? PyObject_CallMethod(module, "run_command", "O", words) : NULL;
    if (!status) {
        interpreter_take_exception(&err);
        fprintf(stderr, "mpykdump: %s\n", err.message);
    }
    Py_XDECREF(status);
    Py_XDECREF(words);
    Py_DECREF(module);

    if (--depth == 0) {
        settle();
        *command = '\0';
    }
    host_leave(&entry);
    if (getpid() != owner) {
        // A child that a program forked and let fall through: not a second prompt.
        fflush(NULL);
        _exit(0);
    }
}

bool session_is_running(void)
{
    return depth > 0;
}

void session_stop(void)
{
    struct error err;
    if (leaving_now())
        return;
    host_prompt_watch(NULL);
    PyObject *done = framework ? PyObject_CallMethod(framework, "stop", NULL) : NULL;
    if (framework && !done) {
        interpreter_take_exception(&err);
        fprintf(stderr, "mpykdump: %s\n", err.message);
    }
    Py_XDECREF(done);
    Py_CLEAR(framework);
    cache_resize(0, NULL);
    user_forget();
    symbols_reset();
}
