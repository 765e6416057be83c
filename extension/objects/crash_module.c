// SPDX-License-Identifier: GPL-3.0-or-later
// Module `crash`: the names that programs have always used, over the engine.
#include "objects/crash_module.h"

#include "base/length.h"
#include "base/message.h"
#include "build.h"
#include "host/host.h"
#include "memory/cache.h"
#include "objects/attributes.h"
#include "objects/classes.h"
#include "objects/enum.h"
#include "objects/open_array.h"
#include "objects/pointer.h"
#include "objects/pointer_array.h"
#include "objects/state.h"
#include "objects/string.h"
#include "objects/struct.h"
#include "objects/struct_class.h"

static int add_functions(PyObject *module)
{
    PyMethodDef *tables[] = {crash_memory_functions,  crash_symbol_functions,
                             crash_command_functions, crash_task_functions,
                             crash_number_functions,  crash_list_functions,
                             crash_process_functions};
    for (size_t i = 0; i < ARRAY_LENGTH(tables); i++) {
        if (PyModule_AddFunctions(module, tables[i]) < 0)
            return -1;
    }
    return 0;
}

static int add_constants(PyObject *module)
{
    struct host_info info;
    host_info_get(&info);
    const struct {
        const char *name;
        long value;
    } numbers[] = {
        {"KVADDR", HOST_KERNEL},
        {"UVADDR", HOST_USER},
        {"PHYSADDR", HOST_PHYSICAL},
        {"XENMACHADDR", HOST_XEN_MACHINE},
        {"FILEADDR", HOST_FILE},
        {"AMBIGUOUS", HOST_AMBIGUOUS},
        {"PAGESIZE", 1L << info.page_shift},
        {"PAGE_CACHE_SHIFT", (long)info.page_shift},
        {"HZ", (long)info.hz},
        {"default_timeout", 120},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        if (PyModule_AddIntConstant(module, numbers[i].name, numbers[i].value) < 0)
            return -1;
    }
    if (PyModule_AddStringConstant(module, "WARNING", "++WARNING+++") < 0 ||
        PyModule_AddStringConstant(module, "version", MPYKDUMP_VERSION) < 0 ||
        PyModule_AddStringConstant(module, "Crash_run", info.host_version) < 0 ||
        PyModule_AddStringConstant(module, "Crash_build", info.host_built) < 0)
        return -1;
    return 0;
}

// Makes a class that is an int, a str or a list; both the state and the module get it.
static PyTypeObject *add_class(PyObject *module, PyType_Spec *spec, PyTypeObject *base,
                               const char *name)
{
    PyObject *class = PyType_FromModuleAndSpec(module, spec, (PyObject *)base);
    if (class && PyModule_AddObjectRef(module, name, class) < 0)
        Py_CLEAR(class);
    return (PyTypeObject *)class;
}

static int add_classes(PyObject *module, struct objects_state *state)
{
    state->struct_type = add_class(module, &struct_spec, &PyLong_Type, "StructResult");
    state->pointer_type = add_class(module, &pointer_spec, &PyLong_Type, "tPtr");
    state->enum_type = add_class(module, &enum_spec, &PyLong_Type, "tEnum");
    state->string_type = add_class(module, &string_spec, &PyUnicode_Type, "SmartString");
    state->open_type = add_class(module, &open_array_spec, &PyLong_Type, "intDimensionlessArray");
    state->array0_type = add_class(module, &array0_spec, &PyLong_Type, "Array0");
    state->array1_type = add_class(module, &pointer_array_spec, &PyList_Type, "Array1");
    const PyTypeObject *made[] = {state->struct_type, state->pointer_type, state->enum_type,
                                  state->string_type, state->open_type,    state->array0_type,
                                  state->array1_type};
    for (size_t i = 0; i < ARRAY_LENGTH(made); i++) {
        if (!made[i])
            return -1;
    }
    return struct_class_add(state->struct_type);
}

static PyObject *add_error(PyObject *module, const char *name, const char *doc, PyObject *base)
{
    char full[64];
    snprintf(full, sizeof(full), "crash.%s", name);
    PyObject *class = PyErr_NewExceptionWithDoc(full, doc, base, NULL);
    if (class && PyModule_AddObjectRef(module, name, class) < 0)
        Py_CLEAR(class);
    return class;
}

static int add_errors(PyObject *module, struct objects_state *state)
{
    state->error =
        add_error(module, "error", "crash, gdb or the dump could not do what was asked.", NULL);
    if (!state->error)
        return -1;
    PyObject *bases = PyTuple_Pack(2, state->error, PyExc_TypeError);
    state->argument = bases ? add_error(module, "ArgumentError",
                                        "A function of this module got what it cannot take.", bases)
                            : NULL;
    Py_XDECREF(bases);
    if (!state->argument)
        return -1;
    bases = PyTuple_Pack(2, PyExc_KeyError, PyExc_TypeError);
    state->chain =
        bases ? add_error(module, "ChainError", "A struct has no such chain of members.", bases)
              : NULL;
    Py_XDECREF(bases);
    if (!state->chain)
        return -1;
    state->fault = add_error(module, "FaultError",
                             "Memory that cannot be read; .address says where.", state->error);
    if (!state->fault)
        return -1;
    state->unmapped =
        add_error(module, "UnmappedError", "No page is mapped at the address.", state->fault);
    state->excluded = add_error(module, "ExcludedError",
                                "The page was left out when the dump was written.", state->fault);
    state->absent = add_error(module, "AbsentError", "The page is not in the dump.", state->fault);
    return state->unmapped && state->excluded && state->absent ? 0 : -1;
}

static int module_exec(PyObject *module)
{
    struct objects_state *state = PyModule_GetState(module);
    if (!objects_state_adopt(state)) {
        PyErr_SetString(PyExc_ImportError, "module crash exists once in a process");
        return -1;
    }
    state->default_space = HOST_KERNEL;
    state->struct_names = PyDict_New();
    state->dunder = PyUnicode_InternFromString("__");
    state->shadows = PySet_New(NULL);
    if (!state->struct_names || !state->dunder || !state->shadows || add_errors(module, state) < 0)
        return -1;
    if (add_classes(module, state) < 0 || add_functions(module) < 0)
        return -1;
    return add_constants(module);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    return objects_state_traverse(PyModule_GetState(module), visit, arg);
}

static int module_clear(PyObject *module)
{
    struct objects_state *state = PyModule_GetState(module);
    if (objects_state() == state) {
        message_observe(NULL, 0);
        cache_watch(false);
        attributes_clear();
        classes_clear();
    }
    objects_state_clear(state);
    return 0;
}

static void module_free(void *module)
{
    module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "crash",
    .m_doc = "The crash utility: memory, symbols, types and commands of the dump.",
    .m_size = sizeof(struct objects_state),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit_crash(void)
{
    return PyModuleDef_Init(&module_definition);
}
