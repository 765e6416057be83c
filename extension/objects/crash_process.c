// SPDX-License-Identifier: GPL-3.0-or-later
// Module `crash`: processes of the program's own.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/message.h"
#include "host/host.h"
#include "objects/arguments.h"
#include "objects/crash_module.h"
#include "objects/state.h"

static PyObject *raise_errno(const char *what)
{
    return PyErr_Format(objects_state()->error, "%s: %s", what, strerror(errno));
}

// The child's whole life: nothing of the parent's may be written again, nor its exit be run.
static _Noreturn void run_child(const char *line, int output, pid_t parent)
{
    // Else a command without an end would outlive a session that is killed.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
    host_after_fork();
    struct message message = {.kind = MESSAGE_COMMAND, .what = "background", .text = line};
    struct error err;
    message_send(&message);
    bool ok = host_command_to(line, output, &err);
    _exit(message_receive(&message, ok, &err) ? 0 : 1);
}

static PyObject *crash_exec_bg2(PyObject *module, PyObject *argument)
{
    int ends[2];
    const char *line = argument_text(argument);
    if (!line)
        return NULL;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return raise_errno("pipe");
    pid_t parent = getpid();
    PyOS_BeforeFork();
    pid_t pid = fork();
    if (pid == 0) {
        PyOS_AfterFork_Child();
        close(ends[0]);
        run_child(line, ends[1], parent);
    }
    int reason = errno;
    PyOS_AfterFork_Parent();
    close(ends[1]);
    if (pid > 0)
        return Py_BuildValue("(il)", ends[0], (long)pid);
    close(ends[0]);
    errno = reason;
    return raise_errno("fork");
}

static PyObject *crash_setprocname(PyObject *module, PyObject *argument)
{
    const char *name = argument_text(argument);
    if (!name)
        return NULL;
    // The words of the command line stay: crash itself uses them.
    if (prctl(PR_SET_NAME, name) < 0)
        return raise_errno("prctl");
    Py_RETURN_NONE;
}

PyMethodDef crash_process_functions[] = {
    {"exec_crash_command_bg2", crash_exec_bg2, METH_O,
     "exec_crash_command_bg2(line) -> (fd, pid): runs a command in a child, which cannot change "
     "this\n"
     "session; what it prints is read from fd; crash.error"},
    {"setprocname", crash_setprocname, METH_O,
     "setprocname(name): what this process is called in a list of processes"},
    {0},
};
