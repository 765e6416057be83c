// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: what the DWARF tells of the frames of a stack.
#include "objects/engine_module.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/length.h"
#include "objects/arguments.h"
#include "objects/raise.h"
#include "objects/sequence.h"
#include "objects/state.h"
#include "objects/text.h"
#include "stacks/code_stack.h"

enum { MAX_FRAMES = 512, MAX_SECTIONS = 4096 };

static PyStructSequence_Field variable_fields[] = {
    {"name", "None if it has none"},
    {"type", "as C has it"},
    {"size", "in bytes, 0 if it is not known"},
    {"parameter", "is it a parameter of the function"},
    {"passed", "is it a parameter that the function is really called with"},
    {"register", "that it is in when the function is entered, by DWARF's number; None"},
    {"constant", "does the code know its value, so that it is nowhere"},
    {"value", "None if it is not known; of a struct its address"},
    {"doubt", "0: the value is certain; 1: likely; 2: made of memory that may have changed"},
    {"callers", "how many calls, outwards, passed it to where it was found"},
    {"followed", "was a register used that `entry` had"},
    {"note", "why the value is not known, or empty"},
    {NULL, NULL},
};

static PyStructSequence_Desc variable_description = {
    "_pykdump.DwarfVariable",
    "A parameter or variable of a function, in a frame.",
    variable_fields,
    ARRAY_LENGTH(variable_fields) - 1,
};

static PyStructSequence_Field scope_fields[] = {
    {"name", "of the function; None if it has none"},
    {"file", "of the line that is executed in it; None if it is not known"},
    {"line", "0 if it is not known"},
    {"inlined", "is it a part of the function of the next scope"},
    {"variables", "list of DwarfVariable"},
    {NULL, NULL},
};

static PyStructSequence_Desc scope_description = {
    "_pykdump.DwarfScope",
    "A function at a place of the code, by itself or inlined.",
    scope_fields,
    ARRAY_LENGTH(scope_fields) - 1,
};

static PyStructSequence_Field frame_fields[] = {
    {"scopes", "list of DwarfScope, the innermost first; the last is the function"},
    {"passed", "what its caller passed: number of a register -> (value, doubt, callers, followed)"},
    {"note", "why the call does not tell, or empty"},
    {"cut", "has the DWARF more than was taken"},
    {NULL, NULL},
};

static PyStructSequence_Desc frame_description = {
    "_pykdump.DwarfFrame",
    "What the DWARF tells of one frame.",
    frame_fields,
    ARRAY_LENGTH(frame_fields) - 1,
};

int frames_add_types(PyObject *module)
{
    struct objects_state *state = objects_state();
    Py_XSETREF(state->local_type, PyStructSequence_NewType(&variable_description));
    Py_XSETREF(state->scope_type, PyStructSequence_NewType(&scope_description));
    Py_XSETREF(state->dwarf_type, PyStructSequence_NewType(&frame_description));
    if (!state->local_type || !state->scope_type || !state->dwarf_type ||
        PyModule_AddObjectRef(module, "DwarfVariable", (PyObject *)state->local_type) < 0 ||
        PyModule_AddObjectRef(module, "DwarfScope", (PyObject *)state->scope_type) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "DwarfFrame", (PyObject *)state->dwarf_type);
}

// ---- the question -------------------------------------------------------------------------------

// Registers by their numbers: {number: (value, doubt)}.
static bool registers_parse(PyObject *mapping, struct code_value values[CODE_REGISTERS])
{
    PyObject *key;
    PyObject *item;
    Py_ssize_t at = 0;
    if (!PyDict_Check(mapping)) {
        PyErr_SetString(PyExc_TypeError, "registers are a dict");
        return false;
    }
    while (PyDict_Next(mapping, &at, &key, &item)) {
        unsigned long number = PyLong_AsUnsignedLong(key);
        unsigned char doubt;
        if (number >= CODE_REGISTERS) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_ValueError, "there is no such register");
            return false;
        }
        struct code_value *value = &values[number];
        if (!PyArg_Parse(item, "(O&b)", argument_address, &value->value, &doubt))
            return false;
        value->known = true;
        value->doubt = doubt;
    }
    return true;
}

static bool frame_parse(PyObject *object, struct code_frame *frame)
{
    const char *module;
    PyObject *registers;
    PyObject *entry;
    struct error err;
    int exact;
    if (!PyTuple_Check(object) ||
        !PyArg_ParseTuple(object, "O&pzO&OO:frame", argument_address, &frame->ip, &exact, &module,
                          argument_address, &frame->cfa, &registers, &entry)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "a frame is a tuple");
        return false;
    }
    frame->exact = exact;
    if (!registers_parse(registers, frame->registers) || !registers_parse(entry, frame->entry))
        return false;
    uint64_t pc = frame->exact ? frame->ip : frame->ip - 1;
    if (code_place_find(module, pc, frame->exact ? 0 : frame->ip, &frame->code, &err) ||
        err.code == ERR_NONE)
        return !PyErr_Occurred();
    raise_error(&err);
    return false;
}

// ---- the answer ---------------------------------------------------------------------------------

static PyObject *number_make(const struct code_value *value, bool is_signed)
{
    return is_signed ? PyLong_FromLongLong((int64_t)value->value)
                     : PyLong_FromUnsignedLongLong(value->value);
}

static PyObject *variable_make(struct code_stack *stack, size_t frame,
                               const struct dwarf_variable *variable)
{
    struct code_value value = {0};
    const char *reason = "";
    bool known = code_variable(stack, frame, variable, &value, &reason);
    bool in_register = variable->register_number != PLACE_NO_REGISTER;
    PyObject *values[] = {
        text_or_none(variable->name),
        text_or_none(variable->type),
        PyLong_FromUnsignedLongLong(variable->size),
        PyBool_FromLong(variable->is_parameter),
        PyBool_FromLong(variable->passed),
        in_register ? PyLong_FromLong(variable->register_number) : Py_NewRef(Py_None),
        PyBool_FromLong(variable->state == VARIABLE_CONSTANT),
        known ? number_make(&value, variable->is_signed) : Py_NewRef(Py_None),
        PyLong_FromLong(value.doubt),
        PyLong_FromLong(value.callers),
        PyBool_FromLong(value.followed),
        text_or_none(known ? "" : reason),
    };
    return sequence_make(objects_state()->local_type, values, ARRAY_LENGTH(values));
}

static PyObject *scope_make(struct code_stack *stack, size_t frame, size_t number)
{
    const struct dwarf_place *place = stack->frames[frame].code.place;
    const struct dwarf_scope *scope = &place->scopes[number];
    PyObject *variables = PyList_New((Py_ssize_t)scope->count);
    for (size_t i = 0; variables && i < scope->count; i++) {
        PyObject *made = variable_make(stack, frame, &place->variables[scope->first + i]);
        if (made)
            PyList_SET_ITEM(variables, (Py_ssize_t)i, made);
        else
            Py_CLEAR(variables);
    }
    PyObject *values[] = {
        text_or_none(scope->name),
        text_or_none(scope->file),
        PyLong_FromLong(scope->line),
        PyBool_FromLong(scope->is_inlined),
        variables,
    };
    return sequence_make(objects_state()->scope_type, values, ARRAY_LENGTH(values));
}

static PyObject *scopes_make(struct code_stack *stack, size_t frame)
{
    size_t count = stack->frames[frame].code.place->scope_count;
    PyObject *scopes = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; scopes && i < count; i++) {
        PyObject *made = scope_make(stack, frame, i);
        if (made)
            PyList_SET_ITEM(scopes, (Py_ssize_t)i, made);
        else
            Py_CLEAR(scopes);
    }
    return scopes;
}

static PyObject *passed_make(struct code_stack *stack, size_t frame, const char **note)
{
    PyObject *passed = PyDict_New();
    *note = "";
    if (!code_is_called(stack, frame, note))
        return passed;
    *note = "";
    for (unsigned number = 0; passed && number < CODE_REGISTERS; number++) {
        struct code_value value;
        const char *reason;
        code_stack_ask(stack);
        if (!code_passed(stack, frame, number, &value, &reason))
            continue;
        if (PyErr_Occurred())
            break;
        PyObject *key = PyLong_FromUnsignedLong(number);
        PyObject *item = Py_BuildValue("(KBBO)", (unsigned long long)value.value, value.doubt,
                                       value.callers, value.followed ? Py_True : Py_False);
        if (!key || !item || PyDict_SetItem(passed, key, item) < 0)
            Py_CLEAR(passed);
        Py_XDECREF(key);
        Py_XDECREF(item);
    }
    return passed;
}

static PyObject *frame_make(struct code_stack *stack, size_t frame)
{
    const char *note;
    const struct dwarf_place *place = stack->frames[frame].code.place;
    PyObject *passed = passed_make(stack, frame, &note);
    PyObject *values[] = {
        place ? scopes_make(stack, frame) : PyList_New(0),
        passed,
        text_or_none(note),
        PyBool_FromLong(place && place->cut),
    };
    return sequence_make(objects_state()->dwarf_type, values, ARRAY_LENGTH(values));
}

static PyObject *dwarf_frames(PyObject *module, PyObject *argument)
{
    PyObject *frames = PySequence_Tuple(argument);
    size_t count = frames ? (size_t)PyTuple_GET_SIZE(frames) : 0;
    struct code_frame *parsed AUTO_FREE = calloc(count + 1, sizeof(*parsed));
    struct code_stack stack = {.frames = parsed, .count = count};
    bool good = frames && parsed && count <= MAX_FRAMES;
    if (!parsed)
        PyErr_NoMemory();
    else if (frames && !good)
        PyErr_SetString(PyExc_ValueError, "no stack has so many frames");
    code_files_hold();
    for (size_t i = 0; good && i < count; i++)
        good = frame_parse(PyTuple_GET_ITEM(frames, (Py_ssize_t)i), &parsed[i]);
    Py_XDECREF(frames);
    PyObject *found = good ? PyList_New((Py_ssize_t)count) : NULL;
    for (size_t i = 0; found && i < count; i++) {
        PyObject *made = frame_make(&stack, i);
        if (made)
            PyList_SET_ITEM(found, (Py_ssize_t)i, made);
        else
            Py_CLEAR(found);
    }
    code_files_release();
    return found;
}

// ---- files of modules ---------------------------------------------------------------------------

static PyObject *dwarf_file_add(PyObject *module, PyObject *args)
{
    const char *names[MAX_SECTIONS];
    uint64_t addresses[MAX_SECTIONS];
    const char *name;
    const char *path;
    PyObject *sections;
    PyObject *key;
    PyObject *value;
    struct error err = {0};
    Py_ssize_t at = 0;
    struct dwarf_sections loaded = {names, addresses, 0};
    if (!PyArg_ParseTuple(args, "ssO!:dwarf_file_add", &name, &path, &PyDict_Type, &sections))
        return argument_failure();
    while (PyDict_Next(sections, &at, &key, &value) && loaded.count < MAX_SECTIONS) {
        names[loaded.count] = argument_text(key);
        if (!names[loaded.count] || !argument_address(value, &addresses[loaded.count]))
            return NULL;
        loaded.count++;
    }
    if (!code_files_add(name, path, &loaded, &err))
        return raise_error(&err);
    Py_RETURN_NONE;
}

PyMethodDef engine_frame_functions[] = {
    {"dwarf_frames", dwarf_frames, METH_O,
     "dwarf_frames(frames) -> list of DwarfFrame: what the DWARF tells of a stack's frames, each "
     "a\ntuple (ip, exact, module, cfa, registers, entry)"},
    {"dwarf_file_add", dwarf_file_add, METH_VARARGS,
     "dwarf_file_add(module, path, sections): the DWARF of a module is in that file"},
    {0},
};
