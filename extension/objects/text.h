// SPDX-License-Identifier: GPL-3.0-or-later
// Text of crash's, of a dump or of a file as a str: it may be anything, and cut at some length.
#ifndef MPYKDUMP_OBJECTS_TEXT_H
#define MPYKDUMP_OBJECTS_TEXT_H

#include <Python.h>

// What is no UTF-8 is replaced. New reference or NULL.
PyObject *text_new(const char *text);

// None for NULL.
PyObject *text_or_none(const char *text);

#endif
