// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/struct.h"

#include <inttypes.h>
#include <string.h>

#include "objects/chain.h"
#include "objects/classes.h"
#include "objects/pylong.h"
#include "objects/raise.h"
#include "objects/state.h"
#include "types/types.h"

// An object whose class was dropped (after a reload of types) knows its address only.
static struct typed_class *class_or_raise(PyObject *self)
{
    struct typed_class *class = class_of(self);
    if (!class)
        PyErr_Format(PyExc_TypeError, "%s is of a type that was unloaded", Py_TYPE(self)->tp_name);
    return class;
}

// The class of a type name; borrowed.
static PyObject *struct_class(PyObject *name)
{
    PyObject *known = objects_state()->struct_names;
    PyObject *class = PyDict_GetItemWithError(known, name);
    if (class || PyErr_Occurred())
        return class;
    const char *text = PyUnicode_AsUTF8(name);
    if (!text)
        return NULL;
    struct error err;
    const struct type *type = types_find(text, &err);
    if (!type)
        return raise_error(&err);
    type = type_resolve(type);
    if (!type_is_aggregate(type))
        return PyErr_Format(PyExc_TypeError, "no type %U: it is neither a struct nor a union",
                            name);
    struct typed_class *made = class_for(type);
    if (!made || PyDict_SetItem(known, name, (PyObject *)made->python) < 0)
        return NULL;
    return (PyObject *)made->python;
}

// An instance with any int as its address: negative ones are used as offsets.
static PyObject *instance_of_int(PyTypeObject *class, PyObject *address)
{
    if (!PyLong_Check(address))
        return PyErr_Format(PyExc_TypeError, "an address is an int, not %s",
                            Py_TYPE(address)->tp_name);
    unsigned long long value = PyLong_AsUnsignedLongLong(address);
    if (value == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        PyObject *args = PyTuple_Pack(1, address);
        PyObject *self = args ? PyLong_Type.tp_new(class, args, NULL) : NULL;
        Py_XDECREF(args);
        return self;
    }
    return pylong_instance(class, value);
}

PyObject *struct_new(PyObject *name, PyObject *address)
{
    if (!PyUnicode_Check(name))
        return PyErr_Format(PyExc_TypeError, "a type name is a str, not %s",
                            Py_TYPE(name)->tp_name);
    PyObject *class = struct_class(name);
    return class ? instance_of_int((PyTypeObject *)class, address) : NULL;
}

// StructResult(name, addr=0), and Class(addr) for the class of one struct.
static PyObject *struct_construct(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"sname", "addr", NULL};
    PyObject *name;
    PyObject *address = NULL;
    if (class_search(type)) {
        if (!PyArg_ParseTuple(args, "O:StructResult", &address))
            return NULL;
        return instance_of_int(type, address);
    }
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:StructResult", names, &name, &address))
        return NULL;
    PyObject *zero = address ? NULL : PyLong_FromLong(0);
    PyObject *self = struct_new(name, address ? address : zero);
    Py_XDECREF(zero);
    return self;
}

// Adds "(struct x.y)" to the exception of a failed read.
static void name_failure(const struct typed_class *class, const struct member_slot *slot)
{
    char name[512];
    size_t length;
    type_format(class->type, name, sizeof(name) / 2);
    length = strlen(name);
    snprintf(name + length, sizeof(name) - length, ".%s", slot->member->name);
    raise_add_context(name);
}

// Tells the observer; false when it raises.
static bool report_read(const struct typed_class *class, const struct member_slot *slot,
                        uint64_t address)
{
    char name[256];
    type_format(class->type, name, sizeof(name));
    PyObject *done = PyObject_CallFunction(objects_state()->on_read, "sOK", name, slot->name,
                                           (unsigned long long)address);
    Py_XDECREF(done);
    return done != NULL;
}

static PyObject *read_member(const struct typed_class *class, struct member_slot *slot,
                             uint64_t address)
{
    if (objects_state()->on_read && !report_read(class, slot, address))
        return NULL;
    PyObject *value = reader_read(&slot->reader, address + slot->offset);
    if (!value)
        name_failure(class, slot);
    return value;
}

// Python mangles s.__x inside a class body to s._Class__x: the text from "__" on.
static PyObject *unmangled(PyObject *name)
{
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(name, &length);
    const char *inner = text && length > 1 ? strstr(text + 1, "__") : NULL;
    return inner ? PyUnicode_InternFromString(inner) : NULL;
}

static PyObject *no_field(const struct typed_class *class, PyObject *name)
{
    char type[256];
    type_format(class->type, type, sizeof(type));
    return PyErr_Format(PyExc_KeyError, "<%s> does not have a field <%U>", type, name);
}

static PyObject *struct_getattro(PyObject *self, PyObject *name)
{
    struct typed_class *class = class_of(self);
    struct member_slot *slot = class ? class_member(class, name) : NULL;
    if (slot)
        return read_member(class, slot, pylong_address(self));

    PyObject *value = PyObject_GenericGetAttr(self, name);
    if (value || !class || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    // Python itself looks for optional special methods this way.
    if (PyUnicode_READ_CHAR(name, 0) == '_' && PyUnicode_GET_LENGTH(name) > 4 &&
        PyUnicode_Tailmatch(name, objects_state()->dunder, 0, PY_SSIZE_T_MAX, 1) == 1)
        return NULL;
    PyErr_Clear();
    PyObject *inner = unmangled(name);
    slot = inner ? class_member(class, inner) : NULL;
    Py_XDECREF(inner);
    if (slot)
        return read_member(class, slot, pylong_address(self));
    return PyErr_Occurred() ? NULL : no_field(class, name);
}

static PyObject *describe(PyObject *self, const char *format)
{
    struct typed_class *class = class_or_raise(self);
    if (!class)
        return NULL;
    char type[256];
    char address[32];
    type_format(class->type, type, sizeof(type));
    snprintf(address, sizeof(address), "0x%" PRIx64, pylong_address(self));
    return PyUnicode_FromFormat(format, type, address, (unsigned long)class->type->size);
}

static PyObject *struct_str(PyObject *self)
{
    return describe(self, "<%s %s>");
}

static PyObject *struct_repr(PyObject *self)
{
    return describe(self, "StructResult <%s %s> \tsize=%lu");
}

static PyObject *short_str(PyObject *self, PyObject *unused)
{
    struct typed_class *class = class_or_raise(self);
    if (!class)
        return NULL;
    char address[32];
    snprintf(address, sizeof(address), "0x%" PRIx64, pylong_address(self));
    return PyUnicode_FromFormat("<%s %s>", class->type->name ? class->type->name : "{...}",
                                address);
}

static Py_ssize_t struct_length(PyObject *self)
{
    struct typed_class *class = class_or_raise(self);
    return class ? (Py_ssize_t) class->type->size : -1;
}

static PyObject *stepped(PyObject *self, PyObject *steps)
{
    struct typed_class *class = class_or_raise(self);
    if (!class)
        return NULL;
    uint64_t count = PyLong_AsUnsignedLongLongMask(steps);
    if (PyErr_Occurred())
        return NULL;
    return class_instance(class, pylong_address(self) + count * class->type->size);
}

// s + i steps by the size of the struct, as in C; i + s is plain arithmetic.
static PyObject *struct_add(PyObject *left, PyObject *right)
{
    if (PyObject_TypeCheck(left, objects_state()->struct_type) && PyLong_Check(right))
        return stepped(left, right);
    return PyLong_Type.tp_as_number->nb_add(left, right);
}

// s[i] is s + i; s["member"] tells about the member.
static PyObject *struct_subscript(PyObject *self, PyObject *key)
{
    if (PyLong_Check(key))
        return stepped(self, key);
    return PyErr_Format(PyExc_TypeError, "a struct is indexed with an int, not %s",
                        Py_TYPE(key)->tp_name);
}

static PyObject *has_field(PyObject *self, PyObject *name)
{
    struct typed_class *class = class_or_raise(self);
    if (!class || !PyUnicode_Check(name))
        return class ? PyErr_Format(PyExc_TypeError, "a member name is a str") : NULL;
    for (size_t i = 0; i < class->member_count; i++) {
        if (PyUnicode_Compare(class->members[i].name, name) == 0)
            Py_RETURN_TRUE;
    }
    Py_RETURN_FALSE;
}

static PyObject *field_offset(PyObject *self, PyObject *name)
{
    struct typed_class *class = class_or_raise(self);
    if (!class || !PyUnicode_Check(name))
        return class ? PyErr_Format(PyExc_TypeError, "a member name is a str") : NULL;
    for (size_t i = 0; i < class->member_count; i++) {
        if (PyUnicode_Compare(class->members[i].name, name) == 0)
            return PyLong_FromUnsignedLongLong(class->members[i].offset);
    }
    return no_field(class, name);
}

static PyObject *is_named(PyObject *self, PyObject *name)
{
    struct typed_class *class = class_or_raise(self);
    if (!class || !PyUnicode_Check(name))
        return class ? PyErr_Format(PyExc_TypeError, "a type name is a str") : NULL;
    char type[256];
    type_format(class->type, type, sizeof(type));
    return PyBool_FromLong(PyUnicode_CompareWithASCIIString(name, type) == 0);
}

static PyObject *cast_to(PyObject *self, PyObject *name)
{
    return struct_new(name, self);
}

static PyObject *get_deref(PyObject *self, PyObject *unused)
{
    return Py_NewRef(self);
}

static PyObject *deref(PyObject *self, void *closure)
{
    return Py_NewRef(self);
}

static PyObject *evaluate(PyObject *self, PyObject *path)
{
    struct typed_class *class = class_or_raise(self);
    return class ? chain_read(class, pylong_address(self), path) : NULL;
}

static PyObject *get_symbol(PyObject *self, void *closure)
{
    struct typed_class *class = class_or_raise(self);
    if (!class)
        return NULL;
    char type[256];
    type_format(class->type, type, sizeof(type));
    return PyUnicode_FromString(type);
}

static PyObject *get_size(PyObject *self, void *closure)
{
    struct typed_class *class = class_or_raise(self);
    return class ? PyLong_FromUnsignedLongLong(class->type->size) : NULL;
}

static PyMethodDef struct_methods[] = {
    {"shortStr", short_str, METH_NOARGS, "shortStr() -> str: <tag 0xaddress>"},
    {"hasField", has_field, METH_O, "hasField(name) -> bool: is there a member of that name"},
    {"fieldOffset", field_offset, METH_O,
     "fieldOffset(name) -> int: bytes from the beginning of the struct; KeyError"},
    {"isNamed", is_named, METH_O, "isNamed(type) -> bool: is this the struct of that type name"},
    {"castTo", cast_to, METH_O, "castTo(type) -> StructResult: the same address as another type"},
    {"getDeref", get_deref, METH_NOARGS, "getDeref() -> StructResult: itself"},
    {"Eval", evaluate, METH_O,
     "Eval('a.b.c'): the value at the end of a chain of members, pointers followed"},
    {0},
};

static PyGetSetDef struct_getset[] = {
    {"Deref", deref, NULL, "StructResult: itself, since struct and pointer are one", NULL},
    {"PYT_symbol", get_symbol, NULL, "str: the type's name", NULL},
    {"PYT_size", get_size, NULL, "int: sizeof, in bytes", NULL},
    {0},
};

static PyType_Slot struct_slots[] = {
    {Py_tp_doc, "A struct or union in memory, or a pointer to one: an int that is its address."},
    {Py_tp_new, struct_construct},
    {Py_tp_getattro, struct_getattro},
    {Py_tp_str, struct_str},
    {Py_tp_repr, struct_repr},
    {Py_tp_methods, struct_methods},
    {Py_tp_getset, struct_getset},
    {Py_nb_add, struct_add},
    {Py_mp_length, struct_length},
    {Py_mp_subscript, struct_subscript},
    {0, NULL},
};

PyType_Spec struct_spec = {
    .name = "crash.StructResult",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = struct_slots,
};
