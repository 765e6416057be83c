// SPDX-License-Identifier: GPL-3.0-or-later
// From an error value to a Python exception: the one table.
#ifndef MPYKDUMP_OBJECTS_RAISE_H
#define MPYKDUMP_OBJECTS_RAISE_H

#include <Python.h>

#include "base/error.h"

// Sets the exception that an error stands for and returns NULL, so that a caller can
// `return raise_error(&err)`.
PyObject *raise_error(const struct error *err);

// Adds "(context)" to the text of the pending exception when it is about memory.
void raise_add_context(const char *context);

#endif
