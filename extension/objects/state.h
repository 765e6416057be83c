// SPDX-License-Identifier: GPL-3.0-or-later
// What the two C modules hold of Python. There is one engine in a process (crash is one), so one
// state; it belongs to module `crash`, which creates and clears it.
#ifndef MPYKDUMP_OBJECTS_STATE_H
#define MPYKDUMP_OBJECTS_STATE_H

#include <Python.h>
#include <stdbool.h>

struct objects_state {
    PyObject *error;            // crash.error, and below it:
    PyObject *argument;         // crash.ArgumentError, which is a TypeError too
    PyObject *fault;            // crash.FaultError
    PyObject *unmapped;         // crash.UnmappedError
    PyObject *excluded;         // crash.ExcludedError
    PyObject *absent;           // crash.AbsentError
    PyObject *chain;            // crash.ChainError, a KeyError and a TypeError
    PyTypeObject *struct_type;  // StructResult
    PyTypeObject *pointer_type; // tPtr
    PyTypeObject *enum_type;    // tEnum
    PyTypeObject *string_type;  // SmartString
    PyTypeObject *open_type;    // intDimensionlessArray
    PyTypeObject *array0_type;  // Array0
    PyTypeObject *array1_type;  // Array1
    PyTypeObject *column_type;  // Column, of module _pykdump
    PyTypeObject *fault_type;   // ColumnFault, a named tuple of it
    PyTypeObject *frame_type;   // StackFrame
    PyTypeObject *stack_type;   // Stack
    PyTypeObject *local_type;   // DwarfVariable
    PyTypeObject *scope_type;   // DwarfScope
    PyTypeObject *dwarf_type;   // DwarfFrame
    PyObject *struct_names;     // dict: what readSU was asked for -> class
    PyObject *on_read;          // callable told of each member read, or NULL
    PyObject *trace;            // a program's trace callback, or NULL
    PyObject *var_info;         // callables that describe types, see factories.h; or NULL
    PyObject *type_info;
    PyObject *struct_info;
    PyObject *enum_info;
    PyObject *no_member; // callable that adds to the text of a KeyError, or NULL
    PyObject *shadows;   // set: names of pseudo-attributes that some members have too
    PyObject *dunder;    // "__"
    int default_space;   // enum host_space of reads that name none
};

// NULL before the module `crash` was imported.
struct objects_state *objects_state(void);

// For module `crash`: makes its state the one; false when there is one already. Visits what it
// holds; drops that, and with it the state.
bool objects_state_adopt(struct objects_state *state);
int objects_state_traverse(struct objects_state *state, visitproc visit, void *arg);
void objects_state_clear(struct objects_state *state);

// After each command: what a program set for itself is taken back.
void objects_command_done(void);

// The definitions of the modules, for PyImport_AppendInittab.
PyMODINIT_FUNC PyInit_crash(void);
PyMODINIT_FUNC PyInit__pykdump(void);

#endif
