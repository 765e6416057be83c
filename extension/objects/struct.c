// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/struct.h"

#include <inttypes.h>
#include <string.h>

#include "objects/attributes.h"
#include "objects/classes.h"
#include "objects/factories.h"
#include "objects/pylong.h"
#include "objects/raise.h"
#include "objects/state.h"
#include "objects/struct_members.h"
#include "objects/type_text.h"
#include "types/types.h"

struct typed_class *struct_class_or_raise(PyObject *self)
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

// Tells the observer; false when it raises.
static bool report_read(const struct typed_class *class, const struct member_slot *slot,
                        uint64_t address)
{
    PyObject *name = type_text(class->type);
    // Held: it may put another one in its place.
    PyObject *observer = Py_NewRef(objects_state()->on_read);
    PyObject *done =
        name ? PyObject_CallFunction(observer, "OOK", name, slot->name, (unsigned long long)address)
             : NULL;
    Py_DECREF(observer);
    Py_XDECREF(done);
    Py_XDECREF(name);
    return done != NULL;
}

static PyObject *read_member(const struct typed_class *class, struct member_slot *slot,
                             uint64_t address)
{
    if (objects_state()->on_read && !report_read(class, slot, address))
        return NULL;
    PyObject *value = reader_read(&slot->reader, address + slot->offset);
    if (!value)
        raise_name_member(class->type, slot->member->name, slot->member->type, address);
    return value;
}

// Python mangles s.__x inside a class body to s._Class__x. The member is the text from "__" on:
// from the first place where there is one, since names of classes and of members may have more.
static struct member_slot *unmangled_member(struct typed_class *class, PyObject *name)
{
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(name, &length);
    struct member_slot *slot = NULL;
    if (!text || !length)
        return NULL;
    for (const char *inner = text; !slot && (inner = strstr(inner + 1, "__"));) {
        PyObject *part = PyUnicode_FromString(inner);
        slot = part ? class_member(class, part) : NULL;
        Py_XDECREF(part);
        if (!part)
            break;
    }
    return slot;
}

PyObject *struct_no_field(const struct typed_class *class, PyObject *name)
{
    PyObject *type = type_text(class->type);
    PyObject *text =
        type ? PyUnicode_FromFormat("<%U> does not have a field <%U>", type, name) : NULL;
    PyObject *told = text ? factory_no_member(text) : NULL;
    if (told)
        PyErr_SetObject(PyExc_KeyError, told);
    Py_XDECREF(told);
    Py_XDECREF(text);
    Py_XDECREF(type);
    return NULL;
}

static PyObject *struct_getattro(PyObject *self, PyObject *name)
{
    struct typed_class *class = class_of(self);
    if (attributes_objects) {
        PyObject *own = attributes_get(self, name);
        if (own || PyErr_Occurred())
            return own;
    }
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
    slot = unmangled_member(class, name);
    if (slot)
        return read_member(class, slot, pylong_address(self));
    return PyErr_Occurred() ? NULL : struct_no_field(class, name);
}

// What a program sets is its own: the object's, and comes before a member. A property of the class
// decides for itself.
static int struct_setattro(PyObject *self, PyObject *name, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(self);
    struct typed_class *class = class_of(self);
    PyObject *found = _PyType_Lookup(type, name);
    bool is_property = found && Py_TYPE(found)->tp_descr_set;
    bool has_dict = type->tp_dictoffset && !(class && class_member(class, name));
    if (is_property || has_dict)
        return PyObject_GenericSetAttr(self, name, value);
    return attributes_set(self, name, value);
}

void struct_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (attributes_objects)
        attributes_forget(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *describe(PyObject *self, const char *format)
{
    struct typed_class *class = struct_class_or_raise(self);
    if (!class)
        return NULL;
    PyObject *type = type_text(class->type);
    char address[32];
    snprintf(address, sizeof(address), "0x%" PRIx64, pylong_address(self));
    PyObject *text =
        type ? PyUnicode_FromFormat(format, type, address, (unsigned long)class->type->size) : NULL;
    Py_XDECREF(type);
    return text;
}

static PyObject *struct_str(PyObject *self)
{
    return describe(self, "<%U %s>");
}

static PyObject *struct_repr(PyObject *self)
{
    return describe(self, "StructResult <%U %s> \tsize=%lu");
}

static Py_ssize_t struct_length(PyObject *self)
{
    struct typed_class *class = struct_class_or_raise(self);
    return class ? (Py_ssize_t) class->type->size : -1;
}

static PyObject *stepped(PyObject *self, PyObject *steps)
{
    struct typed_class *class = struct_class_or_raise(self);
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
    if (!PyUnicode_Check(key))
        return PyErr_Format(PyExc_TypeError, "a struct is indexed with an int or a name, not %s",
                            Py_TYPE(key)->tp_name);
    struct typed_class *class = struct_class_or_raise(self);
    if (!class)
        return NULL;
    return class_member_hidden(class, key) ? factory_var_info(class->type, key)
                                           : struct_no_field(class, key);
}

static PyType_Slot struct_slots[] = {
    {Py_tp_doc, "A struct or union in memory, or a pointer to one: an int that is its address."},
    {Py_tp_new, struct_construct},
    {Py_tp_dealloc, struct_dealloc},
    {Py_tp_getattro, struct_getattro},
    {Py_tp_setattro, struct_setattro},
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
