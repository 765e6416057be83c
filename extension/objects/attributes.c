// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/attributes.h"

#include "base/map.h"

size_t attributes_objects;
static struct map table; // PyObject * -> dict, owned, or NULL for an object that is gone

PyObject *attributes_get(PyObject *object, PyObject *name)
{
    PyObject *dict = map_get(&table, (uintptr_t)object);
    return dict ? Py_XNewRef(PyDict_GetItemWithError(dict, name)) : NULL;
}

int attributes_set(PyObject *object, PyObject *name, PyObject *value)
{
    PyObject *dict = map_get(&table, (uintptr_t)object);
    if (!value) {
        if (dict && PyDict_Contains(dict, name) == 1)
            return PyDict_DelItem(dict, name);
        if (!PyErr_Occurred())
            PyErr_SetObject(PyExc_AttributeError, name);
        return -1;
    }
    if (!dict) {
        dict = PyDict_New();
        if (!dict)
            return -1;
        if (!map_put(&table, (uintptr_t)object, dict)) {
            Py_DECREF(dict);
            PyErr_NoMemory();
            return -1;
        }
        attributes_objects++;
    }
    return PyDict_SetItem(dict, name, value);
}

void attributes_forget(PyObject *object)
{
    PyObject *dict = map_get(&table, (uintptr_t)object);
    if (!dict)
        return;
    // Replacing the value of a key that is there needs no memory.
    map_put(&table, (uintptr_t)object, NULL);
    if (--attributes_objects == 0)
        map_clear(&table);
    Py_DECREF(dict);
}

void attributes_clear(void)
{
    struct map old = table;
    table = (struct map){0};
    attributes_objects = 0;
    for (size_t i = 0; old.slots && i <= old.mask; i++)
        Py_XDECREF((PyObject *)old.slots[i].value);
    map_clear(&old);
}
