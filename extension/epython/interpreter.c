// SPDX-License-Identifier: GPL-3.0-or-later
#include "epython/interpreter.h"

#include <Python.h>

#include "host/host.h"
#include "objects/signals.h"
#include "objects/state.h"

// Called from a signal handler.
static void interrupt_raise(void)
{
    PyErr_SetInterruptEx(SIGINT);
}

// Looking for signals runs Python code, since 3.12 the garbage collector's too: not on top of an
// exception (a handler's, a trace callback's), which would get lost.
static bool interrupt_check(void)
{
    return PyErr_Occurred() || signals_check() < 0;
}

static const struct host_interrupt_hooks interrupt_hooks = {
    .raise = interrupt_raise,
    .check = interrupt_check,
};

static PyStatus configure(void)
{
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status))
        return status;

    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    // crash reads its commands through stdio: changing the buffering of stdin would lose them.
    config.configure_c_stdio = 0;
    config.install_signal_handlers = 0;
    config.site_import = 0;
    config.write_bytecode = 0;
    // Else sys.executable is whatever "python3" comes first in $PATH.
    status = PyConfig_SetString(&config, &config.program_name, L"" PYTHON_EXECUTABLE);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    return status;
}

// Makes Ctrl-C a KeyboardInterrupt while programs run.
static bool adopt_sigint(void)
{
    struct host_entry entry;
    host_enter(&entry);
    PyObject *module = PyImport_ImportModule("signal");
    PyObject *handler = module ? PyObject_GetAttrString(module, "default_int_handler") : NULL;
    PyObject *old = handler ? PyObject_CallMethod(module, "signal", "iO", SIGINT, handler) : NULL;
    bool ok = old != NULL;
    Py_XDECREF(old);
    Py_XDECREF(handler);
    Py_XDECREF(module);
    if (ok)
        host_interrupts_adopt(&interrupt_hooks);
    host_leave(&entry);
    return ok;
}

bool interpreter_start(struct error *err)
{
    if (Py_IsInitialized())
        return true;
    if (PyImport_AppendInittab("crash", PyInit_crash) < 0 ||
        PyImport_AppendInittab("_pykdump", PyInit__pykdump) < 0)
        return error_set_no_memory(err);
    PyStatus status = configure();
    if (PyStatus_Exception(status))
        return error_set(err, ERR_HOST, "Python does not start: %s",
                         status.err_msg ? status.err_msg : "unknown reason");
    if (!adopt_sigint()) {
        interpreter_take_exception(err);
        return false;
    }
    return true;
}

void interpreter_take_exception(struct error *err)
{
    PyObject *kind;
    PyObject *value;
    PyObject *traceback;
    PyErr_Fetch(&kind, &value, &traceback);
    PyErr_NormalizeException(&kind, &value, &traceback);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    const char *words = text ? PyUnicode_AsUTF8(text) : NULL;
    error_set(err, ERR_HOST, "%s: %s", kind ? ((PyTypeObject *)kind)->tp_name : "no exception",
              words ? words : "");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(kind);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}
