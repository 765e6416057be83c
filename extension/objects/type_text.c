// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/type_text.h"

#include <string.h>

PyObject *type_text(const struct type *type)
{
    char text[TYPE_TEXT_SIZE];
    type_format(type, text, sizeof(text));
    // Names from a damaged description may be anything.
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

bool type_text_is_name(PyObject *text)
{
    const char *words = PyUnicode_AsUTF8(text);
    return words && !strstr(words, "{...}") && !strstr(words, "(func)");
}
