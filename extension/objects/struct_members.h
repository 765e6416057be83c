// SPDX-License-Identifier: GPL-3.0-or-later
// The methods of StructResult: questions about members, casts.
#ifndef MPYKDUMP_OBJECTS_STRUCT_MEMBERS_H
#define MPYKDUMP_OBJECTS_STRUCT_MEMBERS_H

#include <Python.h>

extern PyMethodDef struct_methods[];
extern PyGetSetDef struct_getset[];

#endif
