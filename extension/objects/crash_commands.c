// SPDX-License-Identifier: GPL-3.0-or-later
// Module `crash`: running commands of crash and gdb, and registering own ones.
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/message.h"
#include "host/host.h"
#include "objects/arguments.h"
#include "objects/crash_module.h"
#include "objects/raise.h"
#include "objects/state.h"
#include "symbols/symbols.h"

// Text of a dump may be anything; the program gets a str all the same.
static PyObject *text_object(const struct host_text *text)
{
    return PyUnicode_DecodeUTF8(text->bytes, (Py_ssize_t)text->size, "backslashreplace");
}

// A command of crash or gdb, which may be watched. False as host_command has it.
static bool run(enum message_kind kind, const char *line, struct host_text *text, struct error *err)
{
    struct message message = {.kind = kind, .text = line};
    message_send(&message);
    bool ok = kind == MESSAGE_GDB ? host_gdb(line, text, err) : host_command(line, text, err);
    message.number = text->size;
    return message_receive(&message, ok, err);
}

// What a command prints past crash's own output goes nowhere meanwhile. Returns the descriptor to
// go back to, or -1.
static int stdout_silence(void)
{
    fflush(stdout);
    int before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (before >= 0 && nowhere >= 0)
        dup2(nowhere, STDOUT_FILENO);
    if (nowhere >= 0)
        close(nowhere);
    return before;
}

static void stdout_restore(int before)
{
    if (before < 0)
        return;
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
}

static PyObject *crash_exec_crash_command(PyObject *module, PyObject *args)
{
    const char *line;
    int no_stdout = 0;
    struct host_text text;
    struct error err;
    if (!PyArg_ParseTuple(args, "s|p:exec_crash_command", &line, &no_stdout))
        return argument_failure();
    int before = no_stdout ? stdout_silence() : -1;
    bool ok = run(MESSAGE_COMMAND, line, &text, &err);
    // `mod -s` and `mod -d` change symbols.
    symbols_refresh();
    stdout_restore(before);
    PyObject *result = NULL;
    if (!ok && (err.code != ERR_HOST || !text.size)) {
        raise_error(&err);
    } else if (!text.size) {
        // Programs rely on it: a command that prints nothing is an error.
        PyErr_SetString(objects_state()->error, "");
    } else {
        result = text_object(&text);
        if (result && !ok) {
            PyErr_SetObject(objects_state()->error, result);
            Py_CLEAR(result);
        }
    }
    host_text_free(&text);
    return result;
}

static PyObject *crash_get_gdb_output(PyObject *module, PyObject *argument)
{
    const char *line = argument_text(argument);
    struct host_text text;
    struct error err;
    PyObject *result = NULL;
    if (!line)
        return NULL;
    if (run(MESSAGE_GDB, line, &text, &err))
        result = text_object(&text);
    else if (err.code == ERR_HOST)
        result = Py_NewRef(Py_None);
    else
        raise_error(&err);
    host_text_free(&text);
    return result;
}

static PyObject *crash_set_error(PyObject *module, PyObject *argument)
{
    char before[PATH_MAX];
    struct error err;
    const char *target = argument_text(argument);
    if (!target)
        return NULL;
    if (!host_error_target(target, before, sizeof(before), &err))
        return raise_error(&err);
    if (!*before)
        Py_RETURN_NONE;
    return PyUnicode_DecodeFSDefault(before);
}

// The seconds that a command in the background gets are an attribute of the module.
static PyObject *crash_set_default_timeout(PyObject *module, PyObject *argument)
{
    if (!PyLong_Check(argument)) {
        PyErr_Format(PyExc_TypeError, "a number of seconds is an int");
        return argument_failure();
    }
    PyObject *before = PyObject_GetAttrString(module, "default_timeout");
    if (before && PyObject_SetAttrString(module, "default_timeout", argument) < 0)
        Py_CLEAR(before);
    return before;
}

static PyObject *crash_get_epython_cmds(PyObject *module, PyObject *unused)
{
    PyObject *names = PyList_New(0);
    const char *text;
    for (size_t i = 0; names && (text = host_command_name(i)); i++) {
        PyObject *name = PyUnicode_FromString(text);
        if (!name || PyList_Append(names, name) < 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static PyObject *crash_register_epython_prog(PyObject *module, PyObject *args)
{
    struct host_registration registration;
    struct error err;
    if (!PyArg_ParseTuple(args, "ssss:register_epython_prog", &registration.name,
                          &registration.summary, &registration.synopsis, &registration.help))
        return argument_failure();
    if (host_command_register(&registration, &err))
        Py_RETURN_TRUE;
    if (err.code != ERR_VALUE)
        return raise_error(&err);
    PySys_FormatStdout("%s\n", err.message);
    Py_RETURN_FALSE;
}

PyMethodDef crash_command_functions[] = {
    {"exec_crash_command", crash_exec_crash_command, METH_VARARGS,
     "exec_crash_command(line[, no_stdout]) -> str: what it prints; crash.error with the text\n"
     "when the command fails or prints nothing"},
    {"get_GDB_output", crash_get_gdb_output, METH_O,
     "get_GDB_output(line) -> str: what a gdb command prints, None if it fails"},
    {"crash_set_error", crash_set_error, METH_O,
     "crash_set_error(target) -> str: where crash's error messages go ('default', 'redirect', a "
     "file);\nthe target before, None where crash has no such setting; crash.error"},
    {"set_default_timeout", crash_set_default_timeout, METH_O,
     "set_default_timeout(seconds) -> int: of commands in the background; the one before"},
    {"get_epython_cmds", crash_get_epython_cmds, METH_NOARGS,
     "get_epython_cmds() -> list of str: the commands registered with crash"},
    {"register_epython_prog", crash_register_epython_prog, METH_VARARGS,
     "register_epython_prog(name, summary, synopsis, help) -> bool: makes a program a command"},
    {0},
};
