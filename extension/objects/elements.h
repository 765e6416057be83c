// SPDX-License-Identifier: GPL-3.0-or-later
// From what a walk has found to Python: objects, ints or a column, and its report.
#ifndef MPYKDUMP_OBJECTS_ELEMENTS_H
#define MPYKDUMP_OBJECTS_ELEMENTS_H

#include <Python.h>
#include <stdbool.h>

#include "base/array.h"
#include "objects/classes.h"
#include "walkers/walk.h"

enum { ELEMENTS_DEFAULT_LIMIT = 1 << 24 };

// What becomes of the addresses of nodes.
struct elements {
    struct typed_class *class; // NULL: plain ints
    uint64_t back;             // of the node in its struct
    bool as_column;
};

// `name` and `member` are None or str: what the elements are, and where they have their node. False
// with an exception.
bool elements_init(struct elements *elements, PyObject *name, PyObject *member);

// The nodes as what the caller wants. They are changed, and a column takes them. `name` is the
// column's. New reference or NULL.
PyObject *elements_make(const struct elements *elements, struct array *nodes, const char *name);

// The tuple (elements, report) of a walk, or NULL with an exception. Clears the nodes.
PyObject *elements_result(const struct elements *elements, struct array *nodes,
                          const struct walk_report *report);

// True, with an exception, for an end that is not about the dump's memory.
bool report_raises(const struct walk_report *report);

// (end, at, skipped, message)
PyObject *report_tuple(const struct walk_report *report);

// "whole", "limit", "cycle", "partial" or "error".
const char *end_name(enum walk_end end);

#endif
