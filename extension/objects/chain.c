// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/chain.h"

#include <string.h>

#include "memory/cache.h"
#include "objects/raise.h"
#include "objects/reader.h"
#include "objects/state.h"
#include "types/path.h"

enum { MAX_CHAINS = 4096 }; // kept for one class; a program may compute their texts

struct chain {
    enum error_code code; // ERR_NONE, or why the type alone does not have the path
    bool by_attributes;   // the path needs Python's own look-up, or may need it
    struct path path;
    struct reader reader;
};

static void chain_free(PyObject *capsule)
{
    PyMem_Free(PyCapsule_GetPointer(capsule, NULL));
}

// One attribute after the other: for pseudo-attributes, and for the observer of reads.
static PyObject *read_attributes(struct typed_class *class, uint64_t address, PyObject *path)
{
    PyObject *names = PyObject_CallMethod(path, "split", "s", ".");
    PyObject *value = names ? class_instance(class, address) : NULL;
    for (Py_ssize_t i = 0; value && i < PyList_GET_SIZE(names); i++) {
        if (!class_of(value)) {
            PyErr_Format(PyExc_TypeError, "%R: what precedes %R has no members", path,
                         PyList_GET_ITEM(names, i));
            Py_CLEAR(value);
            break;
        }
        // Interned, or Python's cache of look-ups would remember each text that it never meets
        // again.
        PyObject *name = Py_NewRef(PyList_GET_ITEM(names, i));
        PyUnicode_InternInPlace(&name);
        Py_SETREF(value, PyObject_GetAttr(value, name));
        Py_DECREF(name);
    }
    Py_XDECREF(names);
    return value;
}

// Has any of the names been given to something else than the member: as a pseudo-attribute.
static bool find_shadow(PyObject *path, bool *found)
{
    PyObject *shadows = objects_state()->shadows;
    *found = false;
    if (!PySet_GET_SIZE(shadows))
        return true;
    PyObject *names = PyObject_CallMethod(path, "split", "s", ".");
    for (Py_ssize_t i = 0; names && !*found && i < PyList_GET_SIZE(names); i++)
        *found = PySet_Contains(shadows, PyList_GET_ITEM(names, i)) == 1;
    Py_XDECREF(names);
    return names != NULL;
}

static bool compile(struct chain *chain, const struct type *root, PyObject *path)
{
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(path, &length);
    struct error err;
    if (!text)
        return false;
    if (path_compile(root, text, (size_t)length, &chain->path, &err)) {
        const struct path *end = &chain->path;
        if (end->bit_size)
            reader_init_bits(&chain->reader, end->type, end->bit_shift, end->bit_size);
        else
            reader_init(&chain->reader, end->type);
        return find_shadow(path, &chain->by_attributes);
    }
    chain->code = err.code;
    // Not in the type: it may be in the Python class. Indexed names never are.
    chain->by_attributes =
        (err.code == ERR_MEMBER || err.code == ERR_TYPE) && !memchr(text, '[', (size_t)length);
    if (!chain->by_attributes)
        raise_error(&err);
    return chain->by_attributes;
}

static PyObject *chain_new(struct typed_class *class, PyObject *path)
{
    struct chain *chain = PyMem_Calloc(1, sizeof(*chain));
    if (!chain)
        return PyErr_NoMemory();
    PyObject *capsule =
        compile(chain, class->type, path) ? PyCapsule_New(chain, NULL, chain_free) : NULL;
    if (!capsule) {
        PyMem_Free(chain);
        return NULL;
    }
    if (PyDict_GET_SIZE(class->chains) >= MAX_CHAINS)
        PyDict_Clear(class->chains);
    if (PyDict_SetItem(class->chains, path, capsule) < 0)
        Py_CLEAR(capsule);
    return capsule;
}

// The compiled chain, in a capsule; a new reference, since reading a value may run Python code.
static PyObject *chain_for(struct typed_class *class, PyObject *path)
{
    if (!class->chains && !(class->chains = PyDict_New()))
        return NULL;
    PyObject *capsule = PyDict_GetItemWithError(class->chains, path);
    if (capsule)
        return Py_NewRef(capsule);
    return PyErr_Occurred() ? NULL : chain_new(class, path);
}

// Where the value at the end is. As a pointer member is read: NULL has no members at offset 0.
static bool follow(const struct path *path, uint64_t *address, struct error *err)
{
    for (size_t i = 0; i < path->follows; i++) {
        uint64_t at = *address + path->offsets[i];
        if (!at)
            return error_set(err, ERR_NULL, "readPtr NULL pointer");
        if (!cache_read_word(at, sizeof(*address), address, err))
            return false;
    }
    *address += path->offset;
    return true;
}

static PyObject *read_compiled(struct chain *chain, uint64_t address)
{
    struct error err;
    if (!follow(&chain->path, &address, &err))
        return raise_error(&err);
    return reader_read(&chain->reader, address);
}

static PyObject *read_path(struct typed_class *class, uint64_t address, PyObject *path,
                           bool members_only)
{
    if (!PyUnicode_Check(path))
        return PyErr_Format(PyExc_TypeError, "a chain of members is a str, not %s",
                            Py_TYPE(path)->tp_name);
    PyObject *capsule = chain_for(class, path);
    if (!capsule)
        return NULL;
    struct chain *chain = PyCapsule_GetPointer(capsule, NULL);
    PyObject *value;
    if (members_only && chain->code != ERR_NONE) {
        value = PyErr_Format(PyExc_KeyError, "there is no %U", path);
    } else if (!members_only && (chain->by_attributes || objects_state()->on_read)) {
        value = read_attributes(class, address, path);
    } else {
        value = read_compiled(chain, address);
        if (!value) // the text of a path that was compiled is there
            raise_name_member(class->type, PyUnicode_AsUTF8(path), chain->path.type, address);
    }
    Py_DECREF(capsule);
    return value;
}

// A member that a chain lacks is a KeyError as anywhere; that of Eval is a TypeError too, which is
// what programs expect of it.
static void widen_key_error(void)
{
    PyObject *class;
    PyObject *exception;
    PyObject *traceback;
    PyErr_Fetch(&class, &exception, &traceback);
    PyErr_NormalizeException(&class, &exception, &traceback);
    if (class != PyExc_KeyError) {
        PyErr_Restore(class, exception, traceback);
        return;
    }
    PyObject *args = PyObject_GetAttrString(exception, "args");
    if (args)
        PyErr_SetObject(objects_state()->chain, args);
    Py_XDECREF(args);
    Py_DECREF(class);
    Py_DECREF(exception);
    Py_XDECREF(traceback);
}

PyObject *chain_read(struct typed_class *class, uint64_t address, PyObject *path, bool members_only)
{
    PyObject *value = read_path(class, address, path, members_only);
    if (!value && !members_only)
        widen_key_error();
    return value;
}
