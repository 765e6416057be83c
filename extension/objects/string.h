// SPDX-License-Identifier: GPL-3.0-or-later
// SmartString: text read from memory, a str that remembers where it is from.
#ifndef MPYKDUMP_OBJECTS_STRING_H
#define MPYKDUMP_OBJECTS_STRING_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

extern PyType_Spec string_spec;

// The text is what precedes the first NUL in the bytes, ASCII with backslash escapes for the
// rest. `address` is that of the bytes, `pointer` that of the pointer they were reached through
// (0 for arrays).
PyObject *string_new(const char *bytes, size_t size, uint64_t address, uint64_t pointer);

enum { STRING_WINDOW = 256 }; // bytes looked at behind a char *

// Reads what is behind a char *: less than the window where memory ends within it.
bool string_window(uint64_t address, char window[STRING_WINDOW], size_t *size, struct error *err);

#endif
