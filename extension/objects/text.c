// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/text.h"

#include <string.h>

PyObject *text_new(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

PyObject *text_or_none(const char *text)
{
    return text ? text_new(text) : Py_NewRef(Py_None);
}
