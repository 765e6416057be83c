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

#endif
