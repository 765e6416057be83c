// SPDX-License-Identifier: GPL-3.0-or-later
// The functions of module `crash`, by what they are about; crash_module.c puts them together.
#ifndef MPYKDUMP_OBJECTS_CRASH_MODULE_H
#define MPYKDUMP_OBJECTS_CRASH_MODULE_H

#include <Python.h>

extern PyMethodDef crash_memory_functions[];
extern PyMethodDef crash_symbol_functions[];
extern PyMethodDef crash_command_functions[];
extern PyMethodDef crash_task_functions[];
extern PyMethodDef crash_number_functions[];
extern PyMethodDef crash_list_functions[];
extern PyMethodDef crash_process_functions[];

#endif
