// SPDX-License-Identifier: GPL-3.0-or-later
// Converters for PyArg_ParseTuple's "O&": the values that functions of both modules take.
#ifndef MPYKDUMP_OBJECTS_ARGUMENTS_H
#define MPYKDUMP_OBJECTS_ARGUMENTS_H

#include <Python.h>

// An address: any int of up to 64 bits, negative ones taken modulo 2^64, into a uint64_t.
// TypeError for what is no int, crash.error for what does not fit.
int argument_address(PyObject *object, void *address);

// The number of bytes of a read, into a size_t: 1 to 1 GiB.
int argument_size(PyObject *object, void *size);

// The text of a str; NULL with an exception for anything else.
const char *argument_text(PyObject *object);

// What is returned when arguments are not what they should be: makes a pending TypeError one that
// is a crash.error too, which is what programs expect. Returns NULL.
PyObject *argument_failure(void);

#endif
