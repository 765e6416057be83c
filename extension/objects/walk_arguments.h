// SPDX-License-Identifier: GPL-3.0-or-later
// The arguments that walks have in common: (address, struct=None[, member=None], limit=...,
// as_column=False).
#ifndef MPYKDUMP_OBJECTS_WALK_ARGUMENTS_H
#define MPYKDUMP_OBJECTS_WALK_ARGUMENTS_H

#include <Python.h>
#include <stdbool.h>

#include "objects/elements.h"

struct walk_arguments {
    uint64_t at;
    uint64_t limit;
    struct elements elements;
};

// `linked`: elements are linked by a member, which is an argument too. False with an exception.
bool walk_arguments_parse(PyObject *args, PyObject *kwargs, const char *format, bool linked,
                          struct walk_arguments *parsed);

#endif
