// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/type_text.h"

#include <string.h>

#include "objects/text.h"

PyObject *type_text(const struct type *type)
{
    char text[TYPE_TEXT_SIZE];
    type_format(type, text, sizeof(text));
    return text_new(text);
}

bool type_text_is_name(PyObject *text)
{
    const char *words = PyUnicode_AsUTF8(text);
    return words && !strstr(words, "{...}") && !strstr(words, "(func)");
}
