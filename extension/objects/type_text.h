// SPDX-License-Identifier: GPL-3.0-or-later
// The C spelling of a type as a str.
#ifndef MPYKDUMP_OBJECTS_TYPE_TEXT_H
#define MPYKDUMP_OBJECTS_TYPE_TEXT_H

#include <Python.h>
#include <stdbool.h>

#include "types/type.h"

enum { TYPE_TEXT_SIZE = 4096 }; // bytes that the spelling of any type fits in

// "struct page", "int (*)[4]": however long the name is. New reference or NULL.
PyObject *type_text(const struct type *type);

// Can that text be looked up: does it have a name wherever C wants one.
bool type_text_is_name(PyObject *text);

#endif
