// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: what follows the running command on the host's standard input.
#include "objects/engine_module.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_LINE = 1 << 20 };

// A line of at most `MAX_LINE` bytes: what is longer comes in parts. Of stdio's stdin, which the
// host reads its commands from when that is no terminal: it has read ahead, so that nothing is left
// for whoever reads the descriptor. Less than nothing: a signal came first.
static ssize_t line_read(char *line)
{
    ssize_t length = 0;
    while (length < MAX_LINE) {
        errno = 0;
        int c = getc(stdin);
        if (c == EOF) {
            bool interrupted = ferror(stdin) && errno == EINTR;
            clearerr(stdin);
            if (interrupted && length)
                continue; // who waits for half a line can wait for the other half
            return interrupted ? -1 : length;
        }
        line[length++] = (char)c;
        if (c == '\n')
            break;
    }
    return length;
}

static PyObject *input_line(PyObject *module, PyObject *unused)
{
    char *line = malloc(MAX_LINE);
    if (!line)
        return PyErr_NoMemory();
    ssize_t length;
    do {
        Py_BEGIN_ALLOW_THREADS;
        length = line_read(line);
        Py_END_ALLOW_THREADS;
    } while (length < 0 && PyErr_CheckSignals() == 0);
    PyObject *bytes = length < 0 ? NULL : PyBytes_FromStringAndSize(line, length);
    free(line);
    return bytes;
}

PyMethodDef engine_input_functions[] = {
    {"input_line", input_line, METH_NOARGS,
     "input_line() -> bytes: the next line of crash's standard input; b'' at its end"},
    {0},
};
