// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: pseudo-attributes, names that programs give to what kernels keep
// in different places.
#include "objects/engine_module.h"

#include "objects/chain.h"
#include "objects/pylong.h"
#include "objects/state.h"

static PyObject *set_attribute(PyObject *module, PyObject *args)
{
    PyObject *type;
    PyObject *name;
    PyObject *value;
    PyObject *offset = Py_None;
    if (!PyArg_ParseTuple(args, "UUO|O:set_attribute", &type, &name, &value, &offset))
        return NULL;
    if (offset != Py_None && !PyLong_Check(offset))
        return PyErr_Format(PyExc_TypeError, "an offset is an int or None");
    struct typed_class *class = engine_struct(type);
    if (!class || PyObject_SetAttr((PyObject *)class->python, name, value) < 0 ||
        !class_hide_member(class, name, offset))
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    Py_RETURN_NONE;
}

static PyObject *read_chain(PyObject *module, PyObject *args)
{
    PyObject *object;
    PyObject *path;
    if (!PyArg_ParseTuple(args, "O!U:read_chain", objects_state()->struct_type, &object, &path))
        return NULL;
    struct typed_class *class = class_of(object);
    if (!class)
        return PyErr_Format(PyExc_TypeError, "%s is of a type that was unloaded",
                            Py_TYPE(object)->tp_name);
    return chain_read(class, pylong_address(object), path, true);
}

PyMethodDef engine_attribute_functions[] = {
    {"set_attribute", set_attribute, METH_VARARGS,
     "set_attribute(type, name, value, offset=None): an attribute of the class of a struct, which\n"
     "comes before a member of that name; offset: where in the struct it is"},
    {"read_chain", read_chain, METH_VARARGS,
     "read_chain(struct, 'a.b.c'): as Eval, of members only"},
    {0},
};
