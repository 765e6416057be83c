// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/classes.h"

#include <string.h>

#include "objects/pylong.h"
#include "objects/raise.h"
#include "objects/state.h"
#include "objects/struct.h"
#include "objects/type_text.h"

struct map classes_by_python;      // PyTypeObject * -> struct typed_class *
static struct map classes_by_type; // struct type * -> struct typed_class *

struct typed_class *class_search(PyTypeObject *python)
{
    // A class that a program derived: its nearest ancestor made here.
    for (; python; python = python->tp_base) {
        struct typed_class *found = map_get(&classes_by_python, (uintptr_t)python);
        if (found)
            return found;
    }
    return NULL;
}

static void class_free(struct typed_class *self)
{
    for (size_t i = 0; i < self->member_count; i++)
        Py_XDECREF(self->members[i].name);
    PyMem_Free(self->members);
    map_clear(&self->index);
    Py_XDECREF(self->chains);
    Py_XDECREF(self->pseudo);
    Py_XDECREF(self->python);
    PyMem_Free(self);
}

// What int and StructResult already mean by a name comes before a member of that name.
static bool is_hidden(PyObject *name)
{
    return PyObject_HasAttr((PyObject *)objects_state()->struct_type, name);
}

static bool add_members(struct typed_class *self)
{
    struct error err;
    if (!type_complete(self->type, &err)) {
        raise_error(&err);
        return false;
    }
    self->members = PyMem_Calloc(self->type->count + 1, sizeof(*self->members));
    if (!self->members) {
        PyErr_NoMemory();
        return false;
    }
    for (size_t i = 0; i < self->type->count; i++) {
        const struct type_member *member = &self->type->members[i];
        struct member_slot *slot = &self->members[i];
        slot->name = PyUnicode_InternFromString(member->name);
        if (!slot->name)
            return false;
        self->member_count++;
        slot->offset = member->bit_offset / 8;
        slot->member = member;
        if (member->bit_size)
            reader_init_bits(&slot->reader, member->type, member->bit_offset, member->bit_size);
        else
            reader_init(&slot->reader, member->type);
        if (!is_hidden(slot->name) && !map_get(&self->index, (uintptr_t)slot->name) &&
            !map_put(&self->index, (uintptr_t)slot->name, slot)) {
            PyErr_NoMemory();
            return false;
        }
    }
    return true;
}

// "crash.StructResult_struct_page": programs recognise our objects by the part before the tag.
static void class_name(const struct type *type, const char *prefix, char *name, size_t size)
{
    char words[TYPE_TEXT_SIZE];
    type_format(type, words, sizeof(words));
    snprintf(name, size, "crash.%s_%s", prefix, words);
    for (char *c = name; *c; c++) {
        if (strchr(" -*{}[]().", *c) && c > name + strlen("crash"))
            *c = '_';
    }
}

static PyTypeObject *base_for(const struct type *type, const char **prefix)
{
    const struct objects_state *state = objects_state();
    if (type_is_aggregate(type)) {
        *prefix = "StructResult";
        return state->struct_type;
    }
    if (type->kind == TYPE_ENUM) {
        *prefix = "tEnum";
        return state->enum_type;
    }
    if (type->kind == TYPE_POINTER) {
        *prefix = "tPtr";
        return state->pointer_type;
    }
    if (type_resolve(type_target(type))->kind != TYPE_POINTER) {
        *prefix = "intDimensionlessArray";
        return state->open_type;
    }
    *prefix = type->length > 1 ? "Array1" : "Array0";
    return type->length > 1 ? state->array1_type : state->array0_type;
}

static PyTypeObject *python_class(const struct type *type)
{
    const char *prefix;
    PyTypeObject *base = base_for(type, &prefix);
    char name[TYPE_TEXT_SIZE + 64];
    class_name(type, prefix, name, sizeof(name));
    // Without a word about it a class gets a destructor that is made for all cases, and slow.
    PyType_Slot slots[] = {{0, NULL}, {0, NULL}};
    if (type_is_aggregate(type))
        slots[0] = (PyType_Slot){Py_tp_dealloc, struct_dealloc};
    PyType_Spec spec = {
        .name = name,
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
        .slots = slots,
    };
    return (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)base);
}

struct typed_class *class_for(const struct type *type)
{
    struct typed_class *self = map_get(&classes_by_type, (uintptr_t)type);
    if (self)
        return self;
    self = PyMem_Calloc(1, sizeof(*self));
    if (!self)
        return (struct typed_class *)PyErr_NoMemory();
    self->type = type;
    self->python = python_class(type);
    if (type->kind == TYPE_POINTER || type->kind == TYPE_ARRAY)
        reader_init(&self->element, type_target(type));
    if (!self->python || (type_is_aggregate(type) && !add_members(self))) {
        class_free(self);
        return NULL;
    }
    // A program's code may have run meanwhile, and have made one too.
    struct typed_class *other = map_get(&classes_by_type, (uintptr_t)type);
    if (other) {
        class_free(self);
        return other;
    }
    if (!map_put(&classes_by_type, (uintptr_t)type, self) ||
        !map_put(&classes_by_python, (uintptr_t)self->python, self)) {
        // In neither or in the first only: unreachable as a class of Python's either way, so it
        // must stay where a later question finds it.
        return (struct typed_class *)PyErr_NoMemory();
    }
    return self;
}

struct member_slot *class_member(struct typed_class *self, PyObject *name)
{
    struct member_slot *slot = map_get(&self->index, (uintptr_t)name);
    if (slot || PyUnicode_CHECK_INTERNED(name))
        return slot;
    // A name computed at run time: the interned string of that text is what the index knows.
    // Of a subclass of str (a SmartString) a plain copy is interned.
    PyObject *interned = PyUnicode_FromObject(name);
    if (!interned) {
        PyErr_Clear();
        return NULL;
    }
    PyUnicode_InternInPlace(&interned);
    slot = map_get(&self->index, (uintptr_t)interned);
    Py_DECREF(interned);
    return slot;
}

struct member_slot *class_member_hidden(struct typed_class *self, PyObject *name)
{
    struct member_slot *slot = class_member(self, name);
    for (size_t i = 0; !slot && i < self->member_count; i++) {
        if (PyUnicode_Compare(self->members[i].name, name) == 0)
            slot = &self->members[i];
    }
    return slot;
}

bool class_hide_member(struct typed_class *self, PyObject *name, PyObject *offset)
{
    if (!self->pseudo && !(self->pseudo = PyDict_New()))
        return false;
    if (PyDict_SetItem(self->pseudo, name, offset) < 0)
        return false;
    struct member_slot *slot = class_member(self, name);
    if (!slot)
        return true;
    // Chains that were compiled know the member.
    for (size_t i = 0; i <= classes_by_type.mask; i++) {
        struct typed_class *class = classes_by_type.slots[i].value;
        if (class && class->chains)
            PyDict_Clear(class->chains);
    }
    return PySet_Add(objects_state()->shadows, slot->name) == 0 &&
           map_put(&self->index, (uintptr_t)slot->name, NULL);
}

PyObject *class_instance(const struct typed_class *self, uint64_t value)
{
    return pylong_instance(self->python, value);
}

void classes_clear(void)
{
    for (size_t i = 0; classes_by_type.slots && i <= classes_by_type.mask; i++) {
        if (classes_by_type.slots[i].value)
            class_free(classes_by_type.slots[i].value);
    }
    map_clear(&classes_by_type);
    map_clear(&classes_by_python);
}
