// SPDX-License-Identifier: GPL-3.0-or-later
// tEnum: a value of an enum type.
#ifndef MPYKDUMP_OBJECTS_ENUM_H
#define MPYKDUMP_OBJECTS_ENUM_H

#include <Python.h>

extern PyType_Spec enum_spec;

#endif
