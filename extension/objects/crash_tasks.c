// SPDX-License-Identifier: GPL-3.0-or-later
// Module `crash`: what crash itself knows of tasks and files.
#include <limits.h>

#include "base/message.h"
#include "host/host.h"
#include "objects/arguments.h"
#include "objects/crash_module.h"
#include "objects/raise.h"
#include "objects/state.h"

// A question to crash's table of tasks, by the name that programs know it by.
static struct message task_asked(const char *what, uint64_t about)
{
    struct message message = {.kind = MESSAGE_TASK, .what = what, .address = about};
    message_send(&message);
    return message;
}

static bool task_answered(struct message *message, bool ok, uint64_t number, struct error *err)
{
    message->number = number;
    return message_receive(message, ok, err);
}

static PyObject *crash_pid_to_task(PyObject *module, PyObject *argument)
{
    uint64_t pid;
    if (!argument_address(argument, &pid))
        return NULL;
    struct message message = task_asked("pid_to_task", pid);
    uint64_t task = host_task_of_pid(pid);
    task_answered(&message, task != 0, task, NULL);
    return PyErr_Occurred() ? NULL : PyLong_FromUnsignedLongLong(task);
}

static PyObject *crash_task_to_pid(PyObject *module, PyObject *argument)
{
    uint64_t task;
    uint64_t pid;
    if (!argument_address(argument, &task))
        return NULL;
    struct message message = task_asked("task_to_pid", task);
    bool ok = host_pid_of_task(task, &pid);
    if (!task_answered(&message, ok, ok ? pid : 0, NULL))
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    return PyLong_FromUnsignedLongLong(pid);
}

static PyObject *crash_is_task_active(PyObject *module, PyObject *argument)
{
    uint64_t task;
    if (!argument_address(argument, &task))
        return NULL;
    struct message message = task_asked("is_task_active", task);
    bool active = host_task_active(task);
    return task_answered(&message, true, active, NULL) ? PyBool_FromLong(active) : NULL;
}

static PyObject *crash_get_task_mem_usage(PyObject *module, PyObject *argument)
{
    uint64_t task;
    struct host_task_memory memory;
    struct error err;
    if (!argument_address(argument, &task))
        return NULL;
    struct message message = task_asked("get_task_mem_usage", task);
    bool ok = host_task_memory(task, &memory, &err);
    if (!task_answered(&message, ok, ok ? memory.resident_kib : 0, &err))
        return raise_error(&err);
    return Py_BuildValue("(KK)", (unsigned long long)memory.total_kib,
                         (unsigned long long)memory.resident_kib);
}

static PyObject *crash_set_readmem_task(PyObject *module, PyObject *argument)
{
    uint64_t task;
    struct error err;
    if (!argument_address(argument, &task))
        return NULL;
    struct message message = task_asked("set_readmem_task", task);
    bool ok = host_task_select(task, &err);
    if (ok)
        objects_state()->default_space = task ? HOST_USER : HOST_KERNEL;
    if (!task_answered(&message, ok, task, &err))
        return raise_error(&err);
    Py_RETURN_NONE;
}

static PyObject *crash_get_uptime(PyObject *module, PyObject *unused)
{
    struct message message = task_asked("get_uptime", 0);
    uint64_t jiffies = host_uptime_jiffies();
    return task_answered(&message, true, jiffies, NULL) ? PyLong_FromUnsignedLongLong(jiffies)
                                                        : NULL;
}

static PyObject *crash_get_pathname(PyObject *module, PyObject *args)
{
    uint64_t dentry;
    uint64_t mount;
    char path[PATH_MAX];
    struct error err;
    if (!PyArg_ParseTuple(args, "O&O&:get_pathname", argument_address, &dentry, argument_address,
                          &mount))
        return argument_failure();
    struct message message = {.kind = MESSAGE_PATH, .address = dentry, .argument = mount};
    message_send(&message);
    bool ok = host_path(dentry, mount, path, sizeof(path), &err);
    message.name = path;
    if (!message_receive(&message, ok, &err))
        return raise_error(&err);
    return PyUnicode_DecodeFSDefault(path);
}

PyMethodDef crash_task_functions[] = {
    {"pid_to_task", crash_pid_to_task, METH_O, "pid_to_task(pid) -> int: task address, 0 if none"},
    {"task_to_pid", crash_task_to_pid, METH_O, "task_to_pid(task) -> int: or None if unknown"},
    {"is_task_active", crash_is_task_active, METH_O,
     "is_task_active(task) -> bool: was it on a CPU"},
    {"get_task_mem_usage", crash_get_task_mem_usage, METH_O,
     "get_task_mem_usage(task) -> (VSZ, RSS) in KiB; crash.error"},
    {"set_readmem_task", crash_set_readmem_task, METH_O,
     "set_readmem_task(task): reads go to this task's user memory; 0 goes back to the kernel's"},
    {"get_uptime", crash_get_uptime, METH_NOARGS, "get_uptime() -> int: in jiffies"},
    {"get_pathname", crash_get_pathname, METH_VARARGS,
     "get_pathname(dentry, vfsmount) -> str: crash.error for what is no dentry"},
    {0},
};
