// SPDX-License-Identifier: GPL-3.0-or-later
// Module `host_image`: how a test in Python says what the image holds.
#include <Python.h>

#include "host_image/image.h"
#include "memory/cache.h"
#include "objects/classes.h"
#include "objects/signals.h"
#include "objects/state.h"
#include "stacks/code_files.h"
#include "stacks/layout.h"
#include "stacks/orc.h"
#include "stacks/returns.h"
#include "symbols/symbols.h"
#include "types/types.h"

static PyObject *done(bool ok, const struct error *err)
{
    if (!ok)
        return PyErr_Format(PyExc_ValueError, "%s", err->message);
    Py_RETURN_NONE;
}

static PyObject *add_region(PyObject *module, PyObject *args)
{
    unsigned long long address;
    Py_buffer bytes;
    int space = HOST_KERNEL;
    struct error err;
    if (!PyArg_ParseTuple(args, "Ky*|i:add_region", &address, &bytes, &space))
        return NULL;
    bool ok = image_region_add((enum host_space)space, address, bytes.buf, (size_t)bytes.len, &err);
    PyBuffer_Release(&bytes);
    return done(ok, &err);
}

static PyObject *add_hole(PyObject *module, PyObject *args)
{
    unsigned long long address;
    Py_ssize_t size;
    int excluded;
    struct error err;
    if (!PyArg_ParseTuple(args, "Knp:add_hole", &address, &size, &excluded))
        return NULL;
    return done(image_hole_add(address, (size_t)size, excluded ? ERR_EXCLUDED : ERR_ABSENT, &err),
                &err);
}

static PyObject *add_range(PyObject *module, PyObject *args)
{
    const char *name;
    unsigned long long start;
    unsigned long long end;
    struct error err;
    if (!PyArg_ParseTuple(args, "sKK:add_range", &name, &start, &end))
        return NULL;
    return done(image_range_add(name, start, end, &err), &err);
}

static PyObject *write_memory(PyObject *module, PyObject *args)
{
    unsigned long long address;
    Py_buffer bytes;
    struct error err;
    if (!PyArg_ParseTuple(args, "Ky*:write", &address, &bytes))
        return NULL;
    bool ok = image_memory_write(HOST_KERNEL, address, bytes.buf, (size_t)bytes.len, &err);
    PyBuffer_Release(&bytes);
    return done(ok, &err);
}

static PyObject *read_count(PyObject *module, PyObject *unused)
{
    return PyLong_FromUnsignedLongLong(image_read_count());
}

static PyObject *interrupt_after(PyObject *module, PyObject *argument)
{
    unsigned long long reads = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred())
        return NULL;
    image_interrupt_after(reads);
    Py_RETURN_NONE;
}

static PyObject *add_translation(PyObject *module, PyObject *args)
{
    unsigned long long task;
    unsigned long long address;
    unsigned long long physical;
    struct error err;
    if (!PyArg_ParseTuple(args, "KKK:add_translation", &task, &address, &physical))
        return NULL;
    return done(image_translation_add(task, address, physical, &err), &err);
}

static PyObject *add_symbol(PyObject *module, PyObject *args)
{
    const char *name;
    unsigned long long address;
    unsigned long long size = 1;
    int type = 'D';
    struct error err;
    if (!PyArg_ParseTuple(args, "sK|KC:add_symbol", &name, &address, &size, &type))
        return NULL;
    return done(image_symbol_add(name, address, size, (char)type, &err), &err);
}

static PyObject *add_module(PyObject *module, PyObject *args)
{
    const char *name;
    unsigned long long address;
    unsigned long long size;
    struct error err;
    if (!PyArg_ParseTuple(args, "sKK:add_module", &name, &address, &size))
        return NULL;
    return done(image_module_add(name, address, size, &err), &err);
}

static PyObject *add_task(PyObject *module, PyObject *args)
{
    unsigned long long address;
    unsigned long long pid;
    int active = 0;
    unsigned long long total = 0;
    unsigned long long resident = 0;
    struct error err;
    if (!PyArg_ParseTuple(args, "KK|pKK:add_task", &address, &pid, &active, &total, &resident))
        return NULL;
    struct image_task task = {
        .address = address,
        .pid = pid,
        .active = active,
        .memory = {.total_kib = total, .resident_kib = resident},
    };
    return done(image_task_add(&task, &err), &err);
}

static PyObject *add_command(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"line", "text", "fails", "gdb", NULL};
    const char *line;
    Py_buffer text;
    int fails = 0;
    int gdb = 0;
    struct error err;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sy*|pp:add_command", names, &line, &text,
                                     &fails, &gdb))
        return NULL;
    bool ok = image_command_add(gdb, line, text.buf, (size_t)text.len, fails, &err);
    PyBuffer_Release(&text);
    return done(ok, &err);
}

static PyObject *set_info(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"namelist", "module_tree",    "live",    "cpus",
                            "hz",       "uptime_jiffies", "mem_map", NULL};
    struct image_info *info = image_info();
    const char *namelist = NULL;
    const char *module_tree = NULL;
    int live = info->live;
    unsigned long long jiffies = info->uptime_jiffies;
    unsigned long long mem_map = info->mem_map;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$zzpIIKK:set_info", names, &namelist,
                                     &module_tree, &live, &info->cpus, &info->hz, &jiffies,
                                     &mem_map))
        return NULL;
    if (namelist) {
        free(info->namelist);
        info->namelist = strdup(namelist);
    }
    if (module_tree) {
        free(info->module_tree);
        info->module_tree = strdup(module_tree);
    }
    info->live = live;
    info->uptime_jiffies = jiffies;
    info->mem_map = mem_map;
    Py_RETURN_NONE;
}

static PyObject *add_path(PyObject *module, PyObject *args)
{
    unsigned long long dentry;
    unsigned long long mount;
    const char *path;
    struct error err;
    if (!PyArg_ParseTuple(args, "KKy:add_path", &dentry, &mount, &path))
        return NULL;
    return done(image_path_add(dentry, mount, path, &err), &err);
}

static PyObject *add_enumerator(PyObject *module, PyObject *args)
{
    const char *name;
    long long value;
    struct error err;
    if (!PyArg_ParseTuple(args, "sL:add_enumerator", &name, &value))
        return NULL;
    return done(image_enumerator_add(name, value, &err), &err);
}

static PyObject *take_output(PyObject *module, PyObject *unused)
{
    size_t size;
    const char *bytes = image_output(&size);
    PyObject *taken = PyBytes_FromStringAndSize(bytes, (Py_ssize_t)size);
    image_output_clear();
    return taken;
}

static PyObject *set_output(PyObject *module, PyObject *args)
{
    int kind;
    int reason = 0;
    if (!PyArg_ParseTuple(args, "i|i:set_output", &kind, &reason))
        return NULL;
    image_output_set((enum host_output_kind)kind, reason);
    Py_RETURN_NONE;
}

// Types and the classes made for them; objects that a test still holds become plain addresses.
static PyObject *reset_types(PyObject *module, PyObject *unused)
{
    if (objects_state()) {
        PyDict_Clear(objects_state()->struct_names);
        PySet_Clear(objects_state()->shadows);
        classes_clear();
    }
    types_reset();
    orc_forget();
    code_files_reset();
    stack_layout_forget();
    returns_forget();
    Py_RETURN_NONE;
}

static PyObject *reset(PyObject *module, PyObject *unused)
{
    image_memory_reset();
    symbols_reset();
    image_symbols_reset();
    image_tasks_reset();
    image_commands_reset();
    image_info_reset();
    image_output_clear();
    image_output_set(HOST_OUTPUT_PIPE, 0);
    cache_drop();
    objects_command_done();
    return reset_types(module, NULL);
}

static PyMethodDef functions[] = {
    {"reset", reset, METH_NOARGS, "reset(): an empty image, an empty cache and no types"},
    {"reset_types", reset_types, METH_NOARGS, "reset_types(): types are to be read anew"},
    {"add_region", add_region, METH_VARARGS, "add_region(address, bytes, space=1)"},
    {"add_hole", add_hole, METH_VARARGS,
     "add_hole(address, size, excluded): why these addresses cannot be read"},
    {"add_range", add_range, METH_VARARGS, "add_range(name, start, end): of kernel addresses"},
    {"write", write_memory, METH_VARARGS, "write(address, bytes): changes what is there"},
    {"read_count", read_count, METH_NOARGS, "read_count() -> int: reads that the engine did"},
    {"interrupt_after", interrupt_after, METH_O, "interrupt_after(n): SIGINT in the n-th read"},
    {"add_translation", add_translation, METH_VARARGS, "add_translation(task, page, physical)"},
    {"add_symbol", add_symbol, METH_VARARGS, "add_symbol(name, address, size=1, type='D')"},
    {"add_module", add_module, METH_VARARGS, "add_module(name, address, size)"},
    {"add_task", add_task, METH_VARARGS,
     "add_task(address, pid, active=False, total_kib=0, resident_kib=0)"},
    {"add_command", (PyCFunction)(void (*)(void))add_command, METH_VARARGS | METH_KEYWORDS,
     "add_command(line, text, fails=False, gdb=False)"},
    {"set_info", (PyCFunction)(void (*)(void))set_info, METH_VARARGS | METH_KEYWORDS,
     "set_info(*, namelist, module_tree, live, cpus, hz, uptime_jiffies, mem_map)"},
    {"add_path", add_path, METH_VARARGS, "add_path(dentry, mount, bytes)"},
    {"add_enumerator", add_enumerator, METH_VARARGS, "add_enumerator(name, value)"},
    {"take_output", take_output, METH_NOARGS, "take_output() -> bytes: written since last time"},
    {"set_output", set_output, METH_VARARGS, "set_output(kind, errno=0)"},
    {0},
};

// The process and its signals are Python's: a SIGINT is noted already.
static void interrupt_raise(void)
{
}

static bool interrupt_check(void)
{
    return PyErr_Occurred() || signals_check() < 0;
}

static int module_exec(PyObject *module)
{
    static const struct host_interrupt_hooks hooks = {interrupt_raise, interrupt_check};
    host_interrupts_adopt(&hooks);
    Py_XDECREF(reset(module, NULL));
    return 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "host_image",
    .m_doc = "The memory image under the engine, for its tests.",
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit_host_image(void);

PyMODINIT_FUNC PyInit_host_image(void)
{
    return PyModuleDef_Init(&module_definition);
}
