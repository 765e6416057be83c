// SPDX-License-Identifier: GPL-3.0-or-later
// tPtr: a pointer that is not a pointer to a struct.
#ifndef MPYKDUMP_OBJECTS_POINTER_H
#define MPYKDUMP_OBJECTS_POINTER_H

#include <Python.h>

extern PyType_Spec pointer_spec;

#endif
