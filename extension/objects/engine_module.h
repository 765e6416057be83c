// SPDX-License-Identifier: GPL-3.0-or-later
// The functions of module `_pykdump`, by what they are about; engine_module.c puts them together.
#ifndef MPYKDUMP_OBJECTS_ENGINE_MODULE_H
#define MPYKDUMP_OBJECTS_ENGINE_MODULE_H

#include <Python.h>

#include "objects/classes.h"
#include "types/type.h"

extern PyMethodDef engine_output_functions[];
extern PyMethodDef engine_host_functions[];
extern PyMethodDef engine_input_functions[];
extern PyMethodDef engine_symbol_functions[];
extern PyMethodDef engine_signal_functions[];
extern PyMethodDef engine_type_functions[];
extern PyMethodDef engine_walk_functions[];
extern PyMethodDef engine_indexed_functions[];
extern PyMethodDef engine_column_functions[];
extern PyMethodDef engine_search_functions[];
extern PyMethodDef engine_definition_functions[];
extern PyMethodDef engine_describe_functions[];
extern PyMethodDef engine_factory_functions[];
extern PyMethodDef engine_attribute_functions[];
extern PyMethodDef engine_stack_functions[];
extern PyMethodDef engine_frame_functions[];
extern PyMethodDef engine_trace_functions[];
extern PyMethodDef engine_profile_functions[];

// Adds StackFrame and Stack. -1 with an exception.
int stacks_add_types(PyObject *module);
int frames_add_types(PyObject *module);

// The two middle fields of a PyMethodDef of a function with keywords.
#define WITH_KEYWORDS(function)                                                                    \
    (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS

// The type of a name given by Python. NULL with an exception.
const struct type *engine_type(PyObject *name);

// What `describe_type` returns of it. New reference or NULL.
PyObject *engine_describe_type(const struct type *type);

// The class of a struct or union given by name. NULL with an exception.
struct typed_class *engine_struct(PyObject *name);

#endif
