// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/column_fault.h"

#include "base/length.h"
#include "objects/state.h"
#include "objects/text.h"

static PyStructSequence_Field fault_fields[] = {
    {"reason", "'null', 'unmapped', 'excluded', 'absent' or 'fault'"},
    {"count", "rows without a value for this reason"},
    {"row", "the first of them"},
    {"address", "what could not be read there, 0 for 'null'"},
    {"message", "in words"},
    {NULL, NULL},
};

static PyStructSequence_Desc fault_description = {
    "_pykdump.ColumnFault",
    "Why rows of a column have no value.",
    fault_fields,
    ARRAY_LENGTH(fault_fields) - 1,
};

PyTypeObject *column_fault_type_new(void)
{
    return PyStructSequence_NewType(&fault_description);
}

static const char *reason_name(enum error_code code)
{
    switch ((int)code) {
    case ERR_NULL:
        return "null";
    case ERR_UNMAPPED:
        return "unmapped";
    case ERR_EXCLUDED:
        return "excluded";
    case ERR_ABSENT:
        return "absent";
    default:
        return "fault";
    }
}

PyObject *column_fault_new(const struct column_fault *fault)
{
    PyObject *tuple = PyStructSequence_New(objects_state()->fault_type);
    if (!tuple)
        return NULL;
    PyObject *fields[] = {
        PyUnicode_FromString(reason_name(fault->code)),
        PyLong_FromSize_t(fault->count),
        PyLong_FromSize_t(fault->row),
        PyLong_FromUnsignedLongLong(fault->address),
        text_new(fault->message),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
        PyStructSequence_SET_ITEM(tuple, (Py_ssize_t)i, fields[i]);
    if (PyErr_Occurred())
        Py_CLEAR(tuple);
    return tuple;
}
