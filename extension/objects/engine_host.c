// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: what is analysed, and what is kept of it.
#include "objects/engine_module.h"

#include "host/host.h"
#include "memory/cache.h"
#include "objects/raise.h"
#include "objects/state.h"
#include "objects/text.h"
#include "stacks/code_files.h"
#include "stacks/layout.h"
#include "stacks/orc.h"
#include "stacks/returns.h"
#include "types/types.h"
#include "walkers/slab.h"

static PyObject *dump_info(PyObject *module, PyObject *unused)
{
    struct host_info info;
    host_info_get(&info);
    return Py_BuildValue("{szszszszsOsIsIsz}", "dumpfile", info.dump_file, "namelist",
                         info.namelist, "release", info.release, "machine", info.machine, "live",
                         info.live ? Py_True : Py_False, "cpus", info.cpus, "hz", info.hz, "crash",
                         info.host_version);
}

// Apart from the rest: it opens them, which may take a while.
static PyObject *types_source(PyObject *module, PyObject *unused)
{
    const char *name = types_provider();
    // Opening can be interrupted.
    if (PyErr_Occurred())
        return NULL;
    return Py_BuildValue("z", name);
}

// (what the file is to the module, its path or None, why it does not fit).
static PyObject *module_file(PyObject *module, PyObject *args)
{
    static const char *const kinds[] = {
        [MODULE_FILE_FITS] = "fits",
        [MODULE_FILE_STRIPPED] = "stripped",
        [MODULE_FILE_FOREIGN] = "foreign",
        [MODULE_FILE_UNUSABLE] = "unusable",
    };
    const char *name;
    const char *given = NULL;
    struct error err = {0};
    if (!PyArg_ParseTuple(args, "s|z:module_file", &name, &given))
        return NULL;
    char *path = (char *)given;
    enum module_file_kind kind = types_module_file(name, &path, &err);
    PyObject *answer = PyErr_Occurred() ? NULL
                                        : Py_BuildValue("(sNN)", kinds[kind], text_or_none(path),
                                                        text_new(err.message));
    if (path != given)
        free(path);
    return answer;
}

static PyObject *cache_statistics(PyObject *module, PyObject *unused)
{
    struct cache_stats stats;
    cache_stats_get(&stats);
    return Py_BuildValue("{sKsKsKsnsn}", "hits", (unsigned long long)stats.hits, "misses",
                         (unsigned long long)stats.misses, "failed",
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
    slab_index_reset();
    if (!cache_resize((size_t)pages, &err))
        return raise_error(&err);
    Py_RETURN_NONE;
}

static PyObject *purge_caches(PyObject *module, PyObject *argument)
{
    if (!PyUnicode_Check(argument))
        return PyErr_Format(PyExc_TypeError, "the name of a cache is a str");
    if (PyUnicode_CompareWithASCIIString(argument, "memory") == 0) {
        cache_drop();
        slab_index_reset();
        orc_forget();
    } else if (PyUnicode_CompareWithASCIIString(argument, "types") == 0) {
        PyDict_Clear(objects_state()->struct_names);
        orc_forget();
        code_files_reset();
        stack_layout_forget();
        returns_forget();
    } else {
        return PyErr_Format(PyExc_ValueError, "no cache %R: there are 'memory' and 'types'",
                            argument);
    }
    Py_RETURN_NONE;
}

static PyObject *symbols_signature(PyObject *module, PyObject *unused)
{
    return PyLong_FromUnsignedLongLong(host_symbols_signature());
}

static PyObject *after_fork(PyObject *module, PyObject *unused)
{
    host_after_fork();
    Py_RETURN_NONE;
}

PyMethodDef engine_host_functions[] = {
    {"dump_info", dump_info, METH_NOARGS, "dump_info() -> dict: what is being analysed"},
    {"types_source", types_source, METH_NOARGS,
     "types_source() -> str: where types come from; None: there are none"},
    {"module_file", module_file, METH_VARARGS,
     "module_file(module, path=None) -> (kind, path, reason): debug file of a module"},
    {"cache_statistics", cache_statistics, METH_NOARGS, "cache_statistics() -> dict"},
    {"cache_set_pages", cache_set_pages, METH_O, "cache_set_pages(n): 0 turns the cache off"},
    {"purge_caches", purge_caches, METH_O, "purge_caches('memory' or 'types'): forgets them"},
    {"symbols_signature", symbols_signature, METH_NOARGS,
     "symbols_signature() -> int: another one after the debug information of a module has been\n"
     "loaded or dropped"},
    {"after_fork", after_fork, METH_NOARGS, "after_fork(): in a child, opens the dump anew"},
    {0},
};
