// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/factories.h"

#include "base/length.h"
#include "objects/engine_module.h"
#include "objects/state.h"
#include "objects/type_text.h"

// How a factory is told of a type: by its name, or where it has none by its description.
static PyObject *told(const struct type *type)
{
    PyObject *text = type_text(type);
    if (!text || type_text_is_name(text))
        return text;
    Py_DECREF(text);
    return PyErr_Occurred() ? NULL : engine_describe_type(type);
}

static PyObject *make(PyObject *factory, const struct type *type, PyObject *member)
{
    if (!factory)
        return PyErr_Format(PyExc_RuntimeError,
                            "nothing describes types here: pykdump.datatypes is not imported");
    Py_INCREF(factory);
    PyObject *what = told(type);
    PyObject *made = what ? PyObject_CallFunctionObjArgs(factory, what, member, NULL) : NULL;
    Py_XDECREF(what);
    Py_DECREF(factory);
    return made;
}

PyObject *factory_type_info(const struct type *type)
{
    return make(objects_state()->type_info, type, NULL);
}

PyObject *factory_struct_info(const struct type *type)
{
    return make(objects_state()->struct_info, type, NULL);
}

PyObject *factory_enum_info(const struct type *type)
{
    return make(objects_state()->enum_info, type, NULL);
}

PyObject *factory_var_info(const struct type *type, PyObject *member)
{
    return make(objects_state()->var_info, type, member);
}

PyObject *factory_no_member(PyObject *text)
{
    PyObject *factory = objects_state()->no_member;
    if (!factory)
        return Py_NewRef(text);
    Py_INCREF(factory);
    PyObject *made = PyObject_CallOneArg(factory, text);
    Py_DECREF(factory);
    return made;
}

static PyObject *set_factories(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"varinfo", "typeinfo", "structinfo", "enuminfo", "nomember", NULL};
    struct objects_state *state = objects_state();
    PyObject **places[] = {&state->var_info, &state->type_info, &state->struct_info,
                           &state->enum_info, &state->no_member};
    PyObject *given[ARRAY_LENGTH(places)] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOOO:set_factories", names, &given[0],
                                     &given[1], &given[2], &given[3], &given[4]))
        return NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(given); i++) {
        if (given[i] && given[i] != Py_None && !PyCallable_Check(given[i]))
            return PyErr_Format(PyExc_TypeError, "%s is a callable or None", names[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(given); i++) {
        if (given[i])
            Py_XSETREF(*places[i], given[i] == Py_None ? NULL : Py_NewRef(given[i]));
    }
    Py_RETURN_NONE;
}

PyMethodDef engine_factory_functions[] = {
    {"set_factories", WITH_KEYWORDS(set_factories),
     "set_factories(*, varinfo, typeinfo, structinfo, enuminfo, nomember): what makes the\n"
     "descriptions of types. They are called as varinfo(type, member), the others with the type;\n"
     "that is a name, or what describe_type returns where there is none; nomember(text) adds to\n"
     "what is said of a member that is not there. None takes one back"},
    {0},
};
