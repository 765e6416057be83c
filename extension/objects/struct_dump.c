// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/struct_dump.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "objects/pylong.h"
#include "objects/state.h"
#include "objects/struct.h"
#include "objects/type_text.h"

enum {
    INDENT = 4,       // columns a level
    MAX_INDENT = 512, // that a program may ask for
    MAX_DEPTH = 16,   // of structs within structs
};

// A pointer is shown as one, other values as Python does.
static PyObject *value_text(PyObject *value)
{
    const struct objects_state *state = objects_state();
    if (PyObject_TypeCheck(value, state->struct_type) ||
        PyObject_TypeCheck(value, state->pointer_type)) {
        char text[32];
        snprintf(text, sizeof(text), "0x%" PRIx64, pylong_address(value));
        return PyUnicode_FromString(text);
    }
    // The text itself: of a str in a list Python shows the same.
    return PyObject_Repr(value);
}

// What is printed in place of a value that cannot be read; NULL for what is no error of memory.
static PyObject *failure_text(void)
{
    PyObject *class;
    PyObject *error;
    PyObject *traceback;
    if (!PyErr_ExceptionMatches(objects_state()->error) &&
        !PyErr_ExceptionMatches(PyExc_IndexError) && !PyErr_ExceptionMatches(PyExc_TypeError))
        return NULL;
    PyErr_Fetch(&class, &error, &traceback);
    PyObject *text = PyUnicode_FromFormat("<%S>", error ? error : class);
    Py_XDECREF(class);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return text;
}

static bool print(PyObject *file, int indent, const char *format, PyObject *one, PyObject *two)
{
    char blanks[MAX_INDENT + MAX_DEPTH * INDENT + INDENT + 1];
    memset(blanks, ' ', (size_t)indent);
    blanks[indent] = '\0';
    PyObject *text = PyUnicode_FromFormat(format, one, two);
    PyObject *line = text ? PyUnicode_FromFormat("%s%U\n", blanks, text) : NULL;
    bool ok = line && PyFile_WriteObject(line, file, Py_PRINT_RAW) == 0;
    Py_XDECREF(line);
    Py_XDECREF(text);
    return ok;
}

static bool dump_members(struct typed_class *class, uint64_t address, PyObject *file, int indent,
                         int depth);

static bool dump_member(struct member_slot *slot, uint64_t address, PyObject *file, int indent,
                        int depth)
{
    const struct type *type = type_resolve(slot->member->type);
    if (type_is_aggregate(type) && depth < MAX_DEPTH) {
        struct typed_class *inner = class_for(type);
        return inner && print(file, indent, "%U = {", slot->name, NULL) &&
               dump_members(inner, address + slot->offset, file, indent + INDENT, depth + 1) &&
               print(file, indent, "},", NULL, NULL);
    }
    PyObject *value = reader_read(&slot->reader, address + slot->offset);
    PyObject *text = value ? value_text(value) : NULL;
    if (!text)
        text = failure_text();
    bool ok = text && print(file, indent, "%U = %U,", slot->name, text);
    Py_XDECREF(text);
    Py_XDECREF(value);
    return ok;
}

static bool dump_members(struct typed_class *class, uint64_t address, PyObject *file, int indent,
                         int depth)
{
    for (size_t i = 0; i < class->member_count; i++) {
        if (!dump_member(&class->members[i], address, file, indent, depth))
            return false;
    }
    return true;
}

PyObject *struct_dump(PyObject *self, PyObject *args)
{
    int indent = 0;
    struct typed_class *class = struct_class_or_raise(self);
    if (!class || !PyArg_ParseTuple(args, "|i:Dump", &indent))
        return NULL;
    if (indent < 0 || indent > MAX_INDENT)
        return PyErr_Format(PyExc_ValueError, "an indent of %d columns", indent);
    PyObject *file = PySys_GetObject("stdout");
    if (!file || file == Py_None)
        Py_RETURN_NONE;
    Py_INCREF(file);
    PyObject *type = type_text(class->type);
    bool ok = type && print(file, indent, "%U {", type, NULL) &&
              dump_members(class, pylong_address(self), file, indent + INDENT, 0) &&
              print(file, indent, "}", NULL, NULL);
    Py_XDECREF(type);
    Py_DECREF(file);
    if (!ok)
        return NULL;
    Py_RETURN_NONE;
}
