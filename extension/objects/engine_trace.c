// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: who watches the messages that cross into crash, the trace of them
// in a file and a program's callback. Both see the same messages.
#include "objects/engine_module.h"

#include <stdio.h>

#include "base/message.h"
#include "memory/cache.h"
#include "objects/state.h"
#include "trace/summary.h"
#include "trace/wire.h"

// Kinds for which a callback has an event.
static const unsigned callback_kinds = 1u << MESSAGE_READ | 1u << MESSAGE_SYMBOL |
                                       1u << MESSAGE_TYPE | 1u << MESSAGE_COMMAND |
                                       1u << MESSAGE_GDB;

static struct {
    unsigned wire_kinds; // those that are written, and summed up
    bool summing;
} watch;

// A callback's own messages are not reported to it. Of each thread its own: while one is in the
// callback another may read.
static _Thread_local bool inside;

// ---- a program's callback ------------------------------------------------------------------

static bool callback_call(const char *event, PyObject *args)
{
    // Held: it may put another one in its place.
    PyObject *callback = args ? Py_XNewRef(objects_state()->trace) : NULL;
    PyObject *done = NULL;
    if (callback) {
        inside = true;
        done = PyObject_CallFunction(callback, "sO", event, args);
        inside = false;
    }
    Py_XDECREF(callback);
    Py_XDECREF(done);
    Py_XDECREF(args);
    return done != NULL;
}

static double seconds(const struct message *message)
{
    return (double)message->nanoseconds / 1e9;
}

static const char *tool(const struct message *message)
{
    return message->kind == MESSAGE_GDB ? "gdb" : message->what ? message->what : "crash";
}

// What was written by somebody else is text, whatever it is.
static PyObject *text_of(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "backslashreplace");
}

static PyObject *number_or_none(const struct message *message)
{
    return message->ok ? PyLong_FromUnsignedLongLong(message->number) : Py_NewRef(Py_None);
}

static PyObject *symbol_args(const struct message *message)
{
    if (message->text)
        return Py_BuildValue("(NNd)", text_of(message->text), number_or_none(message),
                             seconds(message));
    PyObject *answer = message->ok ? Py_BuildValue("(NK)", text_of(message->name),
                                                   (unsigned long long)message->number)
                                   : Py_NewRef(Py_None);
    return Py_BuildValue("(KNd)", (unsigned long long)message->address, answer, seconds(message));
}

// A type that is not there is an answer; memory and commands that fail are errors.
static bool callback_tell(const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_READ:
        if (!message->ok)
            return callback_call("error", Py_BuildValue("(s(KKs)N)", "read",
                                                        (unsigned long long)message->address,
                                                        (unsigned long long)message->argument,
                                                        message->what, text_of(message->failure)));
        return callback_call("read",
                             Py_BuildValue("(KKsOd)", (unsigned long long)message->address,
                                           (unsigned long long)message->number, message->what,
                                           message->cached ? Py_True : Py_False, seconds(message)));
    case MESSAGE_COMMAND:
    case MESSAGE_GDB:
        if (!message->ok)
            return callback_call("error",
                                 Py_BuildValue("(s(sN)N)", "command", tool(message),
                                               text_of(message->text), text_of(message->failure)));
        return callback_call("command",
                             Py_BuildValue("(sNKd)", tool(message), text_of(message->text),
                                           (unsigned long long)message->number, seconds(message)));
    case MESSAGE_TYPE:
        return callback_call("type", Py_BuildValue("(sNNd)", message->what, text_of(message->text),
                                                   number_or_none(message), seconds(message)));
    case MESSAGE_SYMBOL:
        return callback_call("symbol", symbol_args(message));
    case MESSAGE_TRANSLATE:
    case MESSAGE_TASK:
    case MESSAGE_PATH:
    case MESSAGE_LIFE:
    case MESSAGE_KINDS:
        break;
    }
    return true;
}

// ---- the line of Python that asks ------------------------------------------------------------

static bool is_framework(PyFrameObject *frame)
{
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *name = PyDict_GetItemString(globals, "__name__");
    const char *text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    Py_DECREF(globals);
    return text && !strncmp(text, "pykdump.", sizeof("pykdump.") - 1);
}

// The innermost line that is not the framework's, as FILE:LINE.
static void place_of_caller(char *place, size_t size)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    snprintf(place, size, "?");
    while (frame && is_framework(frame)) {
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    if (!frame)
        return;
    PyCodeObject *code = PyFrame_GetCode(frame);
    const char *file = PyUnicode_AsUTF8(code->co_filename);
    snprintf(place, size, "%s:%d", file ? file : "?", PyFrame_GetLineNumber(frame));
    Py_DECREF(code);
    Py_DECREF(frame);
}

// ---- the observer ----------------------------------------------------------------------------

static void on_sent(const struct message *message)
{
    if (watch.wire_kinds & 1u << message->kind)
        wire_sent(message);
}

static bool on_received(const struct message *message)
{
    PyObject *kind, *value, *traceback;
    if (watch.wire_kinds & 1u << message->kind) {
        wire_received(message);
        if (watch.summing) {
            char place[1024];
            PyErr_Fetch(&kind, &value, &traceback);
            place_of_caller(place, sizeof(place));
            summary_add(message, place);
            PyErr_Restore(kind, value, traceback);
        }
    }
    // One that was raised on the way ends all that follows, until it has surfaced.
    if (PyErr_Occurred())
        return false;
    return !objects_state()->trace || inside || callback_tell(message);
}

static const struct message_observer observer = {.sent = on_sent, .received = on_received};

static void watch_update(void)
{
    unsigned kinds = watch.wire_kinds | (objects_state()->trace ? callback_kinds : 0);
    message_observe(&observer, kinds);
    cache_watch(message_is_watched(MESSAGE_READ));
}

// ---- what the framework calls ------------------------------------------------------------------

static PyObject *trace_set(PyObject *module, PyObject *argument)
{
    if (argument != Py_None && !PyCallable_Check(argument))
        return PyErr_Format(PyExc_TypeError, "a trace callback is a callable or None, not %s",
                            Py_TYPE(argument)->tp_name);
    PyObject *before = objects_state()->trace;
    objects_state()->trace = argument == Py_None ? NULL : Py_NewRef(argument);
    watch_update();
    return before ? before : Py_NewRef(Py_None);
}

static PyObject *trace_get(PyObject *module, PyObject *unused)
{
    PyObject *callback = objects_state()->trace;
    return Py_NewRef(callback ? callback : Py_None);
}

static PyObject *trace_event(PyObject *module, PyObject *args)
{
    const char *event;
    PyObject *details;
    if (!PyArg_ParseTuple(args, "sO!:trace_event", &event, &PyTuple_Type, &details))
        return NULL;
    if (objects_state()->trace && !inside && !callback_call(event, Py_NewRef(details)))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *wire_to(PyObject *module, PyObject *argument)
{
    long fd = PyLong_AsLong(argument);
    if (fd == -1 && PyErr_Occurred())
        return NULL;
    wire_open((int)fd);
    Py_RETURN_NONE;
}

static PyObject *wire_watch(PyObject *module, PyObject *args)
{
    PyObject *names;
    int summing;
    unsigned kinds = 0;
    if (!PyArg_ParseTuple(args, "O!p:wire_watch", &PyFrozenSet_Type, &names, &summing))
        return NULL;
    const char *text;
    for (int kind = 0; (text = message_kind_name((enum message_kind)kind)); kind++) {
        PyObject *name = PyUnicode_FromString(text);
        int wanted = name ? PySet_Contains(names, name) : -1;
        Py_XDECREF(name);
        if (wanted < 0)
            return NULL;
        kinds |= wanted ? 1u << kind : 0;
    }
    watch.wire_kinds = kinds;
    watch.summing = summing;
    watch_update();
    Py_RETURN_NONE;
}

static PyObject *wire_kinds(PyObject *module, PyObject *unused)
{
    PyObject *tuple = PyTuple_New(MESSAGE_KINDS);
    for (int kind = 0; tuple && kind < MESSAGE_KINDS; kind++) {
        PyObject *name = PyUnicode_FromString(message_kind_name((enum message_kind)kind));
        if (name)
            PyTuple_SET_ITEM(tuple, kind, name);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *wire_write(PyObject *module, PyObject *argument)
{
    const char *text = PyUnicode_Check(argument) ? PyUnicode_AsUTF8(argument) : NULL;
    if (!text)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "a line is a str");
    wire_say(text);
    Py_RETURN_NONE;
}

static PyObject *wire_error(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(wire_failure());
}

static PyObject *wire_summary(PyObject *module, PyObject *unused)
{
    size_t count;
    const struct summary_row *rows = summary_rows(&count);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *row =
            Py_BuildValue("(sNKKd)", message_kind_name(rows[i].kind), text_of(rows[i].place),
                          (unsigned long long)rows[i].count, (unsigned long long)rows[i].bytes,
                          (double)rows[i].nanoseconds / 1e9);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    summary_clear();
    return list;
}

PyMethodDef engine_trace_functions[] = {
    {"trace_set", trace_set, METH_O,
     "trace_set(callback or None): the callback before, or None; TypeError"},
    {"trace_get", trace_get, METH_NOARGS, "trace_get(): the callback, or None"},
    {"trace_event", trace_event, METH_VARARGS,
     "trace_event(event, args): calls the callback, unless this is its own doing"},
    {"wire_open", wire_to, METH_O,
     "wire_open(fd): messages are written there, which stays the caller's; -1: nowhere"},
    {"wire_watch", wire_watch, METH_VARARGS,
     "wire_watch(kinds, summing): messages of these kinds are written, and summed up"},
    {"wire_kinds", wire_kinds, METH_NOARGS, "wire_kinds() -> tuple of str: kinds of messages"},
    {"wire_write", wire_write, METH_O, "wire_write(text): a line of the trace"},
    {"wire_error", wire_error, METH_NOARGS,
     "wire_error() -> int: errno of what has ended the trace since this was last asked, or 0"},
    {"wire_summary", wire_summary, METH_NOARGS,
     "wire_summary() -> list of (kind, FILE:LINE, messages, bytes, seconds), which is forgotten"},
    {0},
};
