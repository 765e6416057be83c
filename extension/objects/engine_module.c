// SPDX-License-Identifier: GPL-3.0-or-later
// Module `_pykdump`: the engine as the framework in pylib/pykdump uses it. Not for programs.
#include <errno.h>

#include "build.h"
#include "host/host.h"
#include "memory/cache.h"
#include "objects/arguments.h"
#include "objects/classes.h"
#include "objects/raise.h"
#include "objects/state.h"
#include "objects/struct.h"
#include "types/types.h"
#include "walkers/list.h"

static PyObject *raise_errno(int reason)
{
    errno = reason;
    return PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject *output_write(PyObject *module, PyObject *argument)
{
    Py_buffer bytes;
    if (PyObject_GetBuffer(argument, &bytes, PyBUF_SIMPLE) < 0)
        return NULL;
    int reason = host_output_write(bytes.buf, (size_t)bytes.len);
    Py_ssize_t size = bytes.len;
    PyBuffer_Release(&bytes);
    return reason ? raise_errno(reason) : PyLong_FromSsize_t(size);
}

static PyObject *output_flush(PyObject *module, PyObject *unused)
{
    int reason = host_output_flush();
    if (reason)
        return raise_errno(reason);
    Py_RETURN_NONE;
}

static PyObject *output_fileno(PyObject *module, PyObject *unused)
{
    return PyLong_FromLong(host_output_fileno());
}

static const char *kind_name(enum host_output_kind kind)
{
    switch (kind) {
    case HOST_OUTPUT_TERMINAL:
        return "terminal";
    case HOST_OUTPUT_PIPE:
        return "pipe";
    case HOST_OUTPUT_FILE:
        return "file";
    }
    return "pipe";
}

static PyObject *stdout_kind(PyObject *module, PyObject *unused)
{
    return PyUnicode_FromString(kind_name(host_output_kind()));
}

static PyObject *output_isatty(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(host_output_kind() == HOST_OUTPUT_TERMINAL);
}

static PyObject *dump_info(PyObject *module, PyObject *unused)
{
    struct host_info info;
    host_info_get(&info);
    return Py_BuildValue("{szszszszsOsIsIszsz}", "dumpfile", info.dump_file, "namelist",
                         info.namelist, "release", info.release, "machine", info.machine, "live",
                         info.live ? Py_True : Py_False, "cpus", info.cpus, "hz", info.hz, "types",
                         types_provider(), "crash", info.host_version);
}

static PyObject *read_struct(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "readSU(type, address) takes 2 arguments, not %zd",
                            count);
    return struct_new(args[0], args[1]);
}

static const struct type *find_type(PyObject *name)
{
    const char *text = PyUnicode_AsUTF8(name);
    struct error err;
    if (!text)
        return NULL;
    const struct type *type = types_find(text, &err);
    if (!type)
        raise_error(&err);
    return type;
}

static PyObject *type_size(PyObject *module, PyObject *name)
{
    const struct type *type = find_type(name);
    return type ? PyLong_FromUnsignedLongLong(type->size) : NULL;
}

// A list of (name, offset in bits, size in bits or 0, type as text).
static PyObject *type_members(PyObject *module, PyObject *name)
{
    const struct type *type = find_type(name);
    struct error err;
    if (!type)
        return NULL;
    type = type_resolve(type);
    if (!type_is_aggregate(type))
        return PyErr_Format(PyExc_TypeError, "%U has no members", name);
    if (!type_complete(type, &err))
        return raise_error(&err);
    PyObject *list = PyList_New((Py_ssize_t)type->count);
    for (size_t i = 0; list && i < type->count; i++) {
        const struct type_member *member = &type->members[i];
        char text[256];
        type_format(member->type, text, sizeof(text));
        PyObject *item =
            Py_BuildValue("(sKIsK)", member->name, (unsigned long long)member->bit_offset,
                          member->bit_size, text, (unsigned long long)member->type->size);
        if (item)
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *type_enumerators(PyObject *module, PyObject *name)
{
    const struct type *type = find_type(name);
    struct error err;
    if (!type)
        return NULL;
    type = type_resolve(type);
    if (type->kind != TYPE_ENUM)
        return PyErr_Format(PyExc_TypeError, "%U is not an enum", name);
    if (!type_complete(type, &err))
        return raise_error(&err);
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict && i < type->count; i++) {
        PyObject *value = PyLong_FromLongLong(type->enumerators[i].value);
        if (!value || PyDict_SetItemString(dict, type->enumerators[i].name, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

// The value of a type at an address, as a member of that type would be read.
static PyObject *read_value(PyObject *module, PyObject *args)
{
    PyObject *name;
    uint64_t address;
    struct reader reader;
    if (!PyArg_ParseTuple(args, "UO&:read_value", &name, argument_address, &address))
        return NULL;
    const struct type *type = find_type(name);
    if (!type)
        return NULL;
    reader_init(&reader, type);
    return reader_read(&reader, address);
}

// The type of a variable as text, None if unknown.
static PyObject *variable_type(PyObject *module, PyObject *argument)
{
    const char *name = PyUnicode_AsUTF8(argument);
    char text[256];
    if (!name)
        return NULL;
    const struct type *type = types_find_variable(name);
    if (!type)
        Py_RETURN_NONE;
    type_format(type, text, sizeof(text));
    return PyUnicode_FromString(text);
}

static const char *end_name(enum walk_end end)
{
    switch (end) {
    case WALK_END_WHOLE:
        return "whole";
    case WALK_END_LIMIT:
        return "limit";
    case WALK_END_CYCLE:
        return "cycle";
    case WALK_END_ERROR:
        break;
    }
    return "error";
}

// A list of `class` instances (plain ints if NULL) of node addresses less `back`.
static PyObject *node_objects(const struct array *nodes, const struct typed_class *class,
                              uint64_t back)
{
    PyObject *list = PyList_New((Py_ssize_t)nodes->count);
    for (size_t i = 0; list && i < nodes->count; i++) {
        uint64_t address = nodes->items[i] - back;
        PyObject *node =
            class ? class_instance(class, address) : PyLong_FromUnsignedLongLong(address);
        if (node)
            PyList_SET_ITEM(list, (Py_ssize_t)i, node);
        else
            Py_CLEAR(list);
    }
    return list;
}

// list_nodes(head, offset, limit, struct=None, back=0) -> (nodes, end, address, message)
static PyObject *list_nodes(PyObject *module, PyObject *args)
{
    struct list_walk walk;
    unsigned long long limit;
    PyObject *name = Py_None;
    uint64_t back = 0;
    if (!PyArg_ParseTuple(args, "O&O&K|OO&:list_nodes", argument_address, &walk.head,
                          argument_address, &walk.offset, &limit, &name, argument_address, &back))
        return NULL;
    walk.limit = limit;
    struct typed_class *class = NULL;
    if (name != Py_None) {
        const struct type *type = find_type(name);
        class = type ? class_for(type_resolve(type)) : NULL;
        if (!class)
            return NULL;
    }
    struct array nodes = {0};
    struct walk_report report = {0};
    enum walk_end end = list_collect(&walk, &nodes, &report);
    PyObject *result = NULL;
    if (end == WALK_END_ERROR && !error_is_fault(report.error.code)) {
        raise_error(&report.error);
    } else {
        PyObject *objects = node_objects(&nodes, class, back);
        if (objects)
            result = Py_BuildValue("(NsKs)", objects, end_name(end), (unsigned long long)report.at,
                                   report.error.message);
    }
    array_clear(&nodes);
    return result;
}

static PyObject *cache_statistics(PyObject *module, PyObject *unused)
{
    struct cache_stats stats;
    cache_stats_get(&stats);
    return Py_BuildValue("{sKsKsnsn}", "misses", (unsigned long long)stats.misses, "failed",
                         (unsigned long long)stats.failed, "pages", (Py_ssize_t)stats.pages,
                         "capacity", (Py_ssize_t)stats.capacity);
}

static PyObject *cache_set_pages(PyObject *module, PyObject *argument)
{
    Py_ssize_t pages = PyNumber_AsSsize_t(argument, PyExc_ValueError);
    struct error err;
    if (pages == -1 && PyErr_Occurred())
        return NULL;
    if (pages < 0)
        return PyErr_Format(PyExc_ValueError, "a cache of %zd pages", pages);
    if (!cache_resize((size_t)pages, &err))
        return raise_error(&err);
    Py_RETURN_NONE;
}

static PyObject *purge_caches(PyObject *module, PyObject *argument)
{
    if (!PyUnicode_Check(argument))
        return PyErr_Format(PyExc_TypeError, "the name of a cache is a str");
    if (PyUnicode_CompareWithASCIIString(argument, "memory") == 0)
        cache_drop();
    else if (PyUnicode_CompareWithASCIIString(argument, "types") == 0)
        PyDict_Clear(objects_state()->struct_names);
    else
        return PyErr_Format(PyExc_ValueError, "no cache %R: there are 'memory' and 'types'",
                            argument);
    Py_RETURN_NONE;
}

static PyObject *observe_reads(PyObject *module, PyObject *argument)
{
    if (argument == Py_None) {
        Py_CLEAR(objects_state()->on_read);
    } else if (PyCallable_Check(argument)) {
        Py_XSETREF(objects_state()->on_read, Py_NewRef(argument));
    } else {
        return PyErr_Format(PyExc_TypeError, "an observer is a callable or None");
    }
    Py_RETURN_NONE;
}

static PyObject *after_fork(PyObject *module, PyObject *unused)
{
    host_after_fork();
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"output_write", output_write, METH_O,
     "output_write(bytes) -> int: to the current command's output; OSError"},
    {"output_flush", output_flush, METH_NOARGS, "output_flush(): OSError"},
    {"output_fileno", output_fileno, METH_NOARGS, "output_fileno() -> int"},
    {"output_isatty", output_isatty, METH_NOARGS, "output_isatty() -> bool"},
    {"stdout_kind", stdout_kind, METH_NOARGS, "stdout_kind() -> 'terminal', 'pipe' or 'file'"},
    {"dump_info", dump_info, METH_NOARGS, "dump_info() -> dict: what is being analysed"},
    {"readSU", (PyCFunction)(void (*)(void))read_struct, METH_FASTCALL,
     "readSU(type, address) -> StructResult: TypeError for an unknown type"},
    {"read_value", read_value, METH_VARARGS, "read_value(type, address): as a member is read"},
    {"type_size", type_size, METH_O, "type_size(type) -> int: bytes; TypeError"},
    {"type_members", type_members, METH_O,
     "type_members(type) -> list of (name, bit offset, bit size or 0, type, bytes); TypeError"},
    {"type_enumerators", type_enumerators, METH_O,
     "type_enumerators(type) -> dict of name to value; TypeError"},
    {"variable_type", variable_type, METH_O, "variable_type(name) -> str: or None if unknown"},
    {"list_nodes", list_nodes, METH_VARARGS,
     "list_nodes(head, offset, limit, struct=None, back=0) -> (nodes, end, address, message):\n"
     "end is 'whole', 'limit', 'cycle' or 'error', at the address"},
    {"cache_statistics", cache_statistics, METH_NOARGS, "cache_statistics() -> dict"},
    {"cache_set_pages", cache_set_pages, METH_O, "cache_set_pages(n): 0 turns the cache off"},
    {"purge_caches", purge_caches, METH_O, "purge_caches('memory' or 'types'): forgets them"},
    {"observe_reads", observe_reads, METH_O,
     "observe_reads(callable or None): calls it with (type, member, address of the struct) before\n"
     "each member is read"},
    {"after_fork", after_fork, METH_NOARGS, "after_fork(): in a child, opens the dump anew"},
    {0},
};

static int module_exec(PyObject *module)
{
    // It creates the state that both modules share.
    PyObject *crash = PyImport_ImportModule("crash");
    if (!crash)
        return -1;
    Py_DECREF(crash);
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
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__pykdump(void)
{
    return PyModuleDef_Init(&module_definition);
}
