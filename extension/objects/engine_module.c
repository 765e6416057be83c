// SPDX-License-Identifier: GPL-3.0-or-later
// Module `_pykdump`: the engine as the framework in pylib/pykdump uses it. Not for programs.
#include "objects/engine_module.h"

#include "base/length.h"
#include "build.h"
#include "objects/column.h"
#include "objects/state.h"

static int add_functions(PyObject *module)
{
    PyMethodDef *tables[] = {
        engine_output_functions,  engine_host_functions,       engine_type_functions,
        engine_walk_functions,    engine_indexed_functions,    engine_column_functions,
        engine_search_functions,  engine_definition_functions, engine_describe_functions,
        engine_factory_functions, engine_attribute_functions,  engine_stack_functions,
        engine_trace_functions,   engine_profile_functions,    engine_signal_functions,
        engine_input_functions,   engine_symbol_functions,     engine_frame_functions};
    for (size_t i = 0; i < ARRAY_LENGTH(tables); i++) {
        if (PyModule_AddFunctions(module, tables[i]) < 0)
            return -1;
    }
    return 0;
}

static int module_exec(PyObject *module)
{
    // It creates the state that both modules share.
    PyObject *crash = PyImport_ImportModule("crash");
    if (!crash)
        return -1;
    Py_DECREF(crash);
    if (column_add_types(module) < 0 || stacks_add_types(module) < 0 ||
        frames_add_types(module) < 0 || add_functions(module) < 0)
        return -1;
    if (PyModule_AddStringConstant(module, "version", MPYKDUMP_VERSION) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "build_info", MPYKDUMP_BUILD);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_pykdump",
    .m_doc = "The engine, as the framework uses it.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__pykdump(void)
{
    return PyModuleDef_Init(&module_definition);
}
