// SPDX-License-Identifier: GPL-3.0-or-later
// What Python makes for the objects here: descriptions of types, asked for seldom, which are
// classes of pykdump.datatypes. It tells the engine how by `_pykdump.set_factories`.
#ifndef MPYKDUMP_OBJECTS_FACTORIES_H
#define MPYKDUMP_OBJECTS_FACTORIES_H

#include <Python.h>

#include "types/type.h"

// A TypeInfo, of any type. New reference or NULL, as the others.
PyObject *factory_type_info(const struct type *type);

// A SUInfo, of a struct or union.
PyObject *factory_struct_info(const struct type *type);

// An EnumInfo, of an enum.
PyObject *factory_enum_info(const struct type *type);

// A VarInfo, of a member of one.
PyObject *factory_var_info(const struct type *type, PyObject *member);

// What the KeyError for a member that is not there says: the text, and what is known beyond it.
PyObject *factory_no_member(PyObject *text);

#endif
