// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: the current command's output.
#include "objects/engine_module.h"

#include <errno.h>
#include <stdbool.h>

#include "host/host.h"

// What became of the current command's output. Here, and not in the Python that uses it: a write is
// one call of C to its end, so that Ctrl-C cannot come between the write and its being known.
static struct {
    int failure;  // errno of the first write that failed, 0 for none
    bool discard; // what comes is dropped
} state;

static PyObject *output_reset(PyObject *module, PyObject *argument)
{
    int discard = PyObject_IsTrue(argument);
    if (discard < 0)
        return NULL;
    state.discard = discard;
    if (!discard)
        state.failure = 0;
    Py_RETURN_NONE;
}

static PyObject *output_failure(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(state.failure);
}

static PyObject *raise_errno(int reason)
{
    errno = reason;
    return PyErr_SetFromErrno(PyExc_OSError);
}

// After EINTR: whether to go on. A signal is no failure of the output.
static bool signals_handled(int reason)
{
    return reason == EINTR && PyErr_CheckSignals() == 0;
}

static PyObject *failed(int reason)
{
    if (reason == EINTR)
        return NULL; // what the handler has raised
    if (!state.failure)
        state.failure = reason;
    return raise_errno(reason);
}

// Less than all is written when a signal comes meanwhile: who calls handles it and goes on with the
// rest. Nothing must be raised for it here, or what is written already would be written again.
static PyObject *output_write(PyObject *module, PyObject *argument)
{
    Py_buffer bytes;
    if (PyObject_GetBuffer(argument, &bytes, PyBUF_SIMPLE) < 0)
        return NULL;
    size_t taken = (size_t)bytes.len;
    int reason = 0;
    if (!state.discard) {
        do
            reason = host_output_write(bytes.buf, (size_t)bytes.len, &taken);
        while (!taken && signals_handled(reason));
    }
    PyBuffer_Release(&bytes);
    if (reason && !(taken && reason == EINTR))
        return failed(reason);
    return PyLong_FromSize_t(taken);
}

static PyObject *output_flush(PyObject *module, PyObject *unused)
{
    int reason = 0;
    if (!state.discard) {
        do
            reason = host_output_flush();
        while (signals_handled(reason));
    }
    if (reason)
        return failed(reason);
    Py_RETURN_NONE;
}

static PyObject *output_fileno(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(host_output_fileno());
}

static const char *kind_name(enum host_output_kind kind)
{
    switch (kind) {
    case HOST_OUTPUT_TERMINAL:
        return "terminal";
    case HOST_OUTPUT_PIPE:
        return "pipe";
    case HOST_OUTPUT_FILE:
        return "file";
    }
    return "pipe";
}

static PyObject *stdout_kind(PyObject *module, PyObject *unused)
{
    return PyUnicode_FromString(kind_name(host_output_kind()));
}

static PyObject *output_isatty(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(host_output_kind() == HOST_OUTPUT_TERMINAL);
}

static PyObject *output_leave_pager(PyObject *module, PyObject *unused)
{
    host_output_leave_pager();
    Py_RETURN_NONE;
}

PyMethodDef engine_output_functions[] = {
    {"output_write", output_write, METH_O,
     "output_write(bytes) -> int: to the current command's output; OSError"},
    {"output_reset", output_reset, METH_O,
     "output_reset(discard): forgets that writes failed, or from now on drops what is written"},
    {"output_failure", output_failure, METH_NOARGS,
     "output_failure() -> int: errno of the first failed write of the command, or 0"},
    {"output_flush", output_flush, METH_NOARGS, "output_flush(): OSError"},
    {"output_fileno", output_fileno, METH_NOARGS, "output_fileno() -> int"},
    {"output_isatty", output_isatty, METH_NOARGS, "output_isatty() -> bool"},
    {"stdout_kind", stdout_kind, METH_NOARGS, "stdout_kind() -> 'terminal', 'pipe' or 'file'"},
    {"output_leave_pager", output_leave_pager, METH_NOARGS,
     "output_leave_pager(): waits for the host's pager; what follows goes to the terminal"},
    {0},
};
