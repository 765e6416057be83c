// SPDX-License-Identifier: GPL-3.0-or-later
// SmartString: text read from memory, a str that remembers where it is from.
#ifndef MPYKDUMP_OBJECTS_STRING_H
#define MPYKDUMP_OBJECTS_STRING_H

#include <Python.h>

extern PyType_Spec string_spec;

// The text is what precedes the first NUL in the bytes, ASCII with backslash escapes for the
// rest. `address` is that of the bytes, `pointer` that of the pointer they were reached through
// (0 for arrays).
PyObject *string_new(const char *bytes, size_t size, uint64_t address, uint64_t pointer);

#endif
