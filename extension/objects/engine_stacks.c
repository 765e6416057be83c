// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: kernel stacks.
#include "objects/engine_module.h"

#include <string.h>

#include "base/length.h"
#include "base/map.h"
#include "host/host.h"
#include "memory/cache.h"
#include "objects/arguments.h"
#include "objects/raise.h"
#include "objects/sequence.h"
#include "objects/signals.h"
#include "objects/state.h"
#include "objects/text.h"
#include "stacks/orc.h"
#include "stacks/unwind.h"
#include "symbols/symbols.h"

enum { INTERRUPT_INTERVAL = 64 }; // stacks between looks for Ctrl-C

static PyStructSequence_Field frame_fields[] = {
    {"ip", "address of the instruction"},
    {"at", "where on the stack it was saved; of the innermost frame the stack pointer"},
    {"regs", "address of the struct pt_regs of what was interrupted here; 0 for a call"},
    {"exact", "is ip the next instruction, and no return address"},
    {"guessed", "was it found by a frame pointer, without a table"},
    {"function", "name of the symbol; None for an address that is of none"},
    {"offset", "of ip from the symbol's address"},
    {"module", "name of the module; None in the kernel itself"},
    {NULL, NULL},
};

static PyStructSequence_Desc frame_description = {
    "_pykdump.StackFrame",
    "One frame of a kernel stack.",
    frame_fields,
    ARRAY_LENGTH(frame_fields) - 1,
};

static PyStructSequence_Field stack_fields[] = {
    {"frames", "list of StackFrame, the innermost first"},
    {"end", "'whole', 'user' or 'error'"},
    {"user_regs", "address of the struct pt_regs that user space was left with; 0 without"},
    {"message", "why it could not be followed further"},
    {NULL, NULL},
};

static PyStructSequence_Desc stack_description = {
    "_pykdump.Stack",
    "A kernel stack.",
    stack_fields,
    ARRAY_LENGTH(stack_fields) - 1,
};

int stacks_add_types(PyObject *module)
{
    struct objects_state *state = objects_state();
    Py_XSETREF(state->frame_type, PyStructSequence_NewType(&frame_description));
    Py_XSETREF(state->stack_type, PyStructSequence_NewType(&stack_description));
    if (!state->frame_type || !state->stack_type ||
        PyModule_AddObjectRef(module, "StackFrame", (PyObject *)state->frame_type) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Stack", (PyObject *)state->stack_type);
}

static PyObject *frame_make(const struct stack_frame *frame)
{
    struct host_symbol symbol = {0};
    uint64_t offset = 0;
    // A function that never returns may end with the call.
    uint64_t within = frame->exact || !frame->ip ? frame->ip : frame->ip - 1;
    bool named = symbols_at(within, &symbol, &offset);
    PyObject *values[] = {
        PyLong_FromUnsignedLongLong(frame->ip),
        PyLong_FromUnsignedLongLong(frame->at),
        PyLong_FromUnsignedLongLong(frame->regs),
        PyBool_FromLong(frame->exact),
        PyBool_FromLong(frame->guessed),
        text_or_none(named ? symbol.name : NULL),
        PyLong_FromUnsignedLongLong(named ? frame->ip - symbol.address : 0),
        text_or_none(host_module_at(within)),
    };
    return sequence_make(objects_state()->frame_type, values, ARRAY_LENGTH(values));
}

static PyObject *frames_make(const struct unwinding *unwinding)
{
    PyObject *frames = PyList_New((Py_ssize_t)unwinding->count);
    for (size_t i = 0; frames && i < unwinding->count; i++) {
        PyObject *frame = frame_make(&unwinding->frames[i]);
        if (frame)
            PyList_SET_ITEM(frames, (Py_ssize_t)i, frame);
        else
            Py_CLEAR(frames);
    }
    return frames;
}

static PyObject *stack_make(const struct unwinding *unwinding)
{
    static const char *const ends[] = {
        [UNWIND_END_WHOLE] = "whole", [UNWIND_END_USER] = "user", [UNWIND_END_ERROR] = "error"};
    PyObject *values[] = {
        frames_make(unwinding),
        PyUnicode_FromString(ends[unwinding->end]),
        PyLong_FromUnsignedLongLong(unwinding->user_regs),
        text_or_none(unwinding->end == UNWIND_END_ERROR ? unwinding->error.message : ""),
    };
    return sequence_make(objects_state()->stack_type, values, ARRAY_LENGTH(values));
}

// The registers named in a mapping; the instruction and stack pointers must be there.
static bool registers_parse(PyObject *mapping, struct stack_registers *registers)
{
    static const char *const names[STACK_REGISTERS] = {
        [STACK_IP] = "ip", [STACK_SP] = "sp",   [STACK_BP] = "bp",  [STACK_DX] = "dx",
        [STACK_DI] = "di", [STACK_R10] = "r10", [STACK_R13] = "r13"};
    *registers = (struct stack_registers){0};
    for (int i = 0; i < STACK_REGISTERS; i++) {
        PyObject *value = PyMapping_GetItemString(mapping, names[i]);
        if (!value && i != STACK_IP && i != STACK_SP && PyErr_ExceptionMatches(PyExc_KeyError)) {
            PyErr_Clear();
            continue;
        }
        bool good = value && argument_address(value, &registers->values[i]);
        Py_XDECREF(value);
        if (!good)
            return false;
        registers->known |= 1u << i;
    }
    return true;
}

// On a live system modules come and go.
static void tables_refresh(void)
{
    if (!cache_is_on())
        orc_forget();
}

static PyObject *unwind(PyObject *module, PyObject *args)
{
    PyObject *start;
    uint64_t task = 0;
    struct unwinding unwinding;
    struct stack_registers registers;
    bool good;
    if (!PyArg_ParseTuple(args, "O|O&:unwind", &start, argument_address, &task))
        return argument_failure();
    tables_refresh();
    if (PyMapping_Check(start) && !PyLong_Check(start)) {
        if (!registers_parse(start, &registers))
            return NULL;
        good = unwind_registers(&registers, task, &unwinding);
    } else {
        if (!argument_address(start, &task))
            return NULL;
        good = unwind_task(task, &unwinding);
    }
    return good && !PyErr_Occurred() ? stack_make(&unwinding) : raise_error(&unwinding.error);
}

static uint64_t signature_of(const struct unwinding *unwinding)
{
    uint64_t hash = map_hash((uint64_t)unwinding->error.code << 8 | (unwinding->end + 1));
    for (size_t i = 0; i < unwinding->count; i++)
        hash = map_hash(hash ^ unwinding->frames[i].ip);
    return hash | 1;
}

// Adds a task to the group of its stack. `groups` is a list of (Stack, [task, ...]), `places` tells
// by signature which is which, from 1.
static bool group_add(PyObject *groups, struct map *places, const struct unwinding *unwinding,
                      PyObject *task)
{
    uint64_t signature = signature_of(unwinding);
    size_t place = (size_t)map_get(places, signature);
    if (place) {
        PyObject *group = PyList_GET_ITEM(groups, (Py_ssize_t)place - 1);
        return PyList_Append(PyTuple_GET_ITEM(group, 1), task) == 0;
    }
    PyObject *stack = stack_make(unwinding);
    PyObject *group = stack ? Py_BuildValue("(N[O])", stack, task) : NULL;
    bool added = group && PyList_Append(groups, group) == 0;
    Py_XDECREF(group);
    if (!added)
        return false;
    if (map_put(places, signature, (void *)PyList_GET_SIZE(groups)))
        return true;
    PyErr_NoMemory();
    return false;
}

static bool groups_fill(PyObject *tasks, PyObject *groups, struct map *places)
{
    struct unwinding unwinding;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(tasks); i++) {
        PyObject *task = PySequence_Fast_GET_ITEM(tasks, i);
        uint64_t address;
        if (!argument_address(task, &address))
            return false;
        if (i % INTERRUPT_INTERVAL == 0 && signals_check() < 0)
            return false;
        if (!unwind_task(address, &unwinding) || PyErr_Occurred()) {
            raise_error(&unwinding.error);
            return false;
        }
        if (!group_add(groups, places, &unwinding, task))
            return false;
    }
    return true;
}

static PyObject *unwind_groups(PyObject *module, PyObject *argument)
{
    struct map places = {0};
    // a copy: signal handlers and finalizers run meanwhile
    PyObject *tasks = PySequence_Tuple(argument);
    PyObject *groups = tasks ? PyList_New(0) : NULL;
    tables_refresh();
    if (groups && !groups_fill(tasks, groups, &places))
        Py_CLEAR(groups);
    map_clear(&places);
    Py_XDECREF(tasks);
    return groups;
}

PyMethodDef engine_stack_functions[] = {
    {"unwind", unwind, METH_VARARGS,
     "unwind(task) or unwind(registers, task=0) -> Stack: of a task that is on no CPU, given by "
     "its\naddress; or of what a CPU was doing for one, given its registers ip, sp, bp, dx, di, "
     "r10 and r13"},
    {"unwind_groups", unwind_groups, METH_O,
     "unwind_groups(tasks) -> list of (Stack, [task, ...]): the tasks with the same stack "
     "together,\nin the order of their first; the Stack is that of the first"},
    {0},
};
