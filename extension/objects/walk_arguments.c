// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/walk_arguments.h"

#include "objects/arguments.h"

bool walk_arguments_parse(PyObject *args, PyObject *kwargs, const char *format, bool linked,
                          struct walk_arguments *parsed)
{
    static char *linked_names[] = {"", "struct", "member", "limit", "as_column", NULL};
    static char *names[] = {"", "struct", "limit", "as_column", NULL};
    PyObject *name = Py_None;
    PyObject *member = Py_None;
    unsigned long long limit = ELEMENTS_DEFAULT_LIMIT;
    int as_column = 0;
    *parsed = (struct walk_arguments){0};
    if (linked ? !PyArg_ParseTupleAndKeywords(args, kwargs, format, linked_names, argument_address,
                                              &parsed->at, &name, &member, &limit, &as_column)
               : !PyArg_ParseTupleAndKeywords(args, kwargs, format, names, argument_address,
                                              &parsed->at, &name, &limit, &as_column))
        return false;
    parsed->limit = limit;
    parsed->elements.as_column = as_column != 0;
    return elements_init(&parsed->elements, name, member);
}
