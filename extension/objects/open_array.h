// SPDX-License-Identifier: GPL-3.0-or-later
// Arrays whose length C does not say ("u8 data[]", "struct page *pages[1]"): ints, their address,
// whose elements are read by index.
#ifndef MPYKDUMP_OBJECTS_OPEN_ARRAY_H
#define MPYKDUMP_OBJECTS_OPEN_ARRAY_H

#include <Python.h>

extern PyType_Spec open_array_spec; // intDimensionlessArray
extern PyType_Spec array0_spec;     // Array0: of pointers

#endif
