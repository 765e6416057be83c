// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/column.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "objects/classes.h"
#include "objects/column_fault.h"
#include "objects/column_value.h"
#include "objects/engine_module.h"
#include "objects/list.h"
#include "objects/pylong.h"
#include "objects/raise.h"
#include "objects/state.h"

struct column_object {
    PyObject_HEAD struct column data;
    PyObject *owner;  // another column whose memory the items are, NULL: they are our own
    PyObject *name;   // str: the path
    PyObject *type;   // str: the C type
    PyObject *target; // str: the struct at each address, or None
    char format[16];  // as module struct has it
    Py_ssize_t shape[2];
    Py_ssize_t strides[2];
};

static struct column_object *self_of(PyObject *object)
{
    return (struct column_object *)object;
}

// ---- making one ------------------------------------------------------------------------------

static void format_set(struct column_object *self)
{
    static const char codes[][10] = {
        [COLUMN_UNSIGNED] = " BH I   Q", [COLUMN_SIGNED] = " bh i   q",  [COLUMN_BOOL] = " ?",
        [COLUMN_FLOAT] = "    f   d",    [COLUMN_ADDRESS] = "        Q",
    };
    const struct column *data = &self->data;
    if (data->kind == COLUMN_TEXT || data->kind == COLUMN_BYTES)
        snprintf(self->format, sizeof(self->format), "%us", data->element_size);
    else
        snprintf(self->format, sizeof(self->format), "%c", codes[data->kind][data->element_size]);
    self->shape[0] = (Py_ssize_t)data->count;
    self->shape[1] = (Py_ssize_t)data->elements;
    self->strides[0] = (Py_ssize_t)data->item_size;
    self->strides[1] = (Py_ssize_t)data->element_size;
}

// Takes the data, and the references to name, type and target (NULL stands for a failure).
static PyObject *wrap(struct column *data, PyObject *name, PyObject *type, PyObject *target)
{
    PyTypeObject *class = objects_state()->column_type;
    struct column_object *self = NULL;
    if (name && type && target)
        self = (struct column_object *)class->tp_alloc(class, 0);
    if (!self) {
        column_release(data);
        Py_XDECREF(name);
        Py_XDECREF(type);
        Py_XDECREF(target);
        return NULL;
    }
    self->data = *data;
    *data = (struct column){0};
    self->name = name;
    self->type = type;
    self->target = target;
    format_set(self);
    return (PyObject *)self;
}

// The struct that values of a type are addresses of, as text; None if they are not.
static PyObject *target_of(const struct type *type)
{
    char text[256];
    type = type_resolve(type);
    if (type->kind == TYPE_POINTER || type->kind == TYPE_ARRAY)
        type = type_resolve(type_target(type));
    if (!type_is_aggregate(type) || !type->name)
        Py_RETURN_NONE;
    type_format(type, text, sizeof(text));
    return PyUnicode_FromString(text);
}

PyObject *column_new(struct column *data, PyObject *name)
{
    char text[256];
    const struct type *type = data->path.type;
    type_format(type, text, sizeof(text));
    return wrap(data, Py_NewRef(name), PyUnicode_FromString(text), target_of(type));
}

PyObject *column_of_addresses(struct array *addresses, const struct type *type, const char *name)
{
    struct column data;
    // An empty array has no memory; a buffer must be somewhere.
    if (!addresses->items && !(addresses->items = calloc(1, sizeof(*addresses->items))))
        return PyErr_NoMemory();
    column_take_array(&data, addresses->items, addresses->count);
    *addresses = (struct array){0};
    return wrap(&data, PyUnicode_FromString(name), PyUnicode_FromString("unsigned long"),
                type ? target_of(type) : Py_NewRef(Py_None));
}

const uint64_t *column_words(PyObject *object, size_t *count)
{
    if (!PyObject_TypeCheck(object, objects_state()->column_type))
        return NULL;
    const struct column *data = &self_of(object)->data;
    if (data->item_size != sizeof(uint64_t) || data->elements || data->kind == COLUMN_TEXT ||
        data->kind == COLUMN_BYTES || data->kind == COLUMN_FLOAT)
        return NULL;
    *count = data->count;
    return (const uint64_t *)data->items;
}

static void column_dealloc(PyObject *object)
{
    struct column_object *self = self_of(object);
    PyTypeObject *type = Py_TYPE(object);
    if (self->owner)
        self->data.items = NULL;
    column_release(&self->data);
    Py_XDECREF(self->owner);
    Py_XDECREF(self->name);
    Py_XDECREF(self->type);
    Py_XDECREF(self->target);
    type->tp_free(object);
    Py_DECREF(type);
}

// ---- rows -----------------------------------------------------------------------------------

static Py_ssize_t column_length(PyObject *object)
{
    return (Py_ssize_t)self_of(object)->data.count;
}

static PyObject *column_item(PyObject *object, Py_ssize_t index)
{
    const struct column *data = &self_of(object)->data;
    if (index < 0 || (size_t)index >= data->count)
        return PyErr_Format(PyExc_IndexError, "row %zd of a column of %zu", index, data->count);
    return column_value(data, (size_t)index);
}

// A slice is a column of its own; the reasons of faults stay with the whole.
static PyObject *column_slice(struct column_object *self, PyObject *slice)
{
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(slice, &start, &stop, &step) < 0)
        return NULL;
    size_t count = (size_t)PySlice_AdjustIndices((Py_ssize_t)self->data.count, &start, &stop, step);
    size_t size = self->data.item_size;
    struct column part = self->data;
    part.fault_kinds = 0;
    part.count = count;
    part.items = calloc(count ? count : 1, size);
    part.valid = self->data.valid ? malloc(count ? count : 1) : NULL;
    if (!part.items || (self->data.valid && !part.valid)) {
        column_release(&part);
        return PyErr_NoMemory();
    }
    for (size_t i = 0; i < count; i++, start += step) {
        memcpy(part.items + i * size, self->data.items + (size_t)start * size, size);
        if (part.valid)
            part.valid[i] = self->data.valid[start];
    }
    return wrap(&part, Py_NewRef(self->name), Py_NewRef(self->type), Py_NewRef(self->target));
}

static PyObject *column_subscript(PyObject *object, PyObject *key)
{
    if (PySlice_Check(key))
        return column_slice(self_of(object), key);
    Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
    if (index == -1 && PyErr_Occurred())
        return NULL;
    return column_item(object, index < 0 ? index + column_length(object) : index);
}

static PyObject *to_list(PyObject *object, PyObject *unused)
{
    const struct column *data = &self_of(object)->data;
    PyObject *list = list_begin(data->count);
    for (size_t i = 0; list && i < data->count; i++) {
        PyObject *value = column_value(data, i);
        if (value)
            PyList_SET_ITEM(list, (Py_ssize_t)i, value);
        else
            Py_CLEAR(list);
    }
    return list_end(list);
}

static PyObject *to_objects(PyObject *object, PyObject *args)
{
    size_t count;
    const uint64_t *words = column_words(object, &count);
    PyObject *name = self_of(object)->target;
    if (!PyArg_ParseTuple(args, "|O:objects", &name))
        return NULL;
    if (!words || name == Py_None)
        return PyErr_Format(PyExc_TypeError, "a column of %U is not one of addresses of structs",
                            self_of(object)->type);
    struct typed_class *class = engine_struct(name);
    PyObject *list = class ? PyList_New((Py_ssize_t)count) : NULL;
    const uint8_t *valid = self_of(object)->data.valid;
    for (size_t i = 0; list && i < count; i++) {
        PyObject *value = valid && !valid[i] ? Py_NewRef(Py_None) : class_instance(class, words[i]);
        if (value)
            PyList_SET_ITEM(list, (Py_ssize_t)i, value);
        else
            Py_CLEAR(list);
    }
    return list;
}

// ---- the buffer protocol ---------------------------------------------------------------------

static int column_getbuffer(PyObject *object, Py_buffer *view, int flags)
{
    struct column_object *self = self_of(object);
    int dimensions = self->data.elements ? 2 : 1;
    view->obj = NULL;
    if (flags & PyBUF_WRITABLE) {
        PyErr_SetString(PyExc_BufferError, "a column cannot be written to");
        return -1;
    }
    if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && dimensions > 1) {
        PyErr_SetString(PyExc_BufferError, "a column of arrays is in C's order");
        return -1;
    }
    *view = (Py_buffer){
        .buf = self->data.items,
        .obj = Py_NewRef(object),
        .len = (Py_ssize_t)(self->data.count * self->data.item_size),
        .itemsize = (Py_ssize_t)self->data.element_size,
        .readonly = 1,
        .ndim = dimensions,
        .format = flags & PyBUF_FORMAT ? self->format : NULL,
        .shape = flags & PyBUF_ND ? self->shape : NULL,
        .strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? self->strides : NULL,
    };
    return 0;
}

// ---- attributes ------------------------------------------------------------------------------

static PyObject *get_name(PyObject *object, void *closure)
{
    return Py_NewRef(self_of(object)->name);
}

static PyObject *get_type(PyObject *object, void *closure)
{
    return Py_NewRef(self_of(object)->type);
}

static PyObject *get_format(PyObject *object, void *closure)
{
    return PyUnicode_FromString(self_of(object)->format);
}

static PyObject *get_missing(PyObject *object, void *closure)
{
    const struct column *data = &self_of(object)->data;
    size_t count = 0;
    for (size_t i = 0; data->valid && i < data->count; i++)
        count += !data->valid[i];
    return PyLong_FromSize_t(count);
}

// The mask as a column of bools: of our own memory if there is a mask, else a new one.
static PyObject *get_valid(PyObject *object, void *closure)
{
    const struct column *data = &self_of(object)->data;
    struct column mask = {
        .kind = COLUMN_BOOL, .element_size = 1, .item_size = 1, .count = data->count};
    mask.items = data->valid;
    if (!mask.items && !(mask.items = malloc(data->count ? data->count : 1)))
        return PyErr_NoMemory();
    if (!data->valid)
        memset(mask.items, 1, data->count);
    PyObject *type = PyUnicode_FromString("_Bool");
    PyObject *name = type ? PyUnicode_FromFormat("%U.valid", self_of(object)->name) : NULL;
    struct column view = mask;
    if (data->valid)
        view.items = NULL; // until the new column is known to have an owner
    PyObject *column = wrap(&view, name, type, Py_NewRef(Py_None));
    if (column && data->valid) {
        self_of(column)->data.items = data->valid;
        self_of(column)->owner = Py_NewRef(object);
    }
    return column;
}

static PyObject *get_faults(PyObject *object, void *closure)
{
    const struct column *data = &self_of(object)->data;
    PyObject *list = list_begin(data->fault_kinds);
    for (size_t i = 0; list && i < data->fault_kinds; i++) {
        PyObject *fault = column_fault_new(&data->faults[i]);
        if (fault)
            PyList_SET_ITEM(list, (Py_ssize_t)i, fault);
        else
            Py_CLEAR(list);
    }
    return list_end(list);
}

static PyObject *column_repr(PyObject *object)
{
    const struct column_object *self = self_of(object);
    return PyUnicode_FromFormat("<Column %U: %zu of %U, format %s>", self->name, self->data.count,
                                self->type, self->format);
}

static PyMethodDef methods[] = {
    {"tolist", to_list, METH_NOARGS,
     "tolist() -> list: ints, bools, floats, str for char arrays, tuples for arrays; None where\n"
     "there is no value"},
    {"objects", to_objects, METH_VARARGS,
     "objects(struct=None) -> list of StructResult: of the structs at the addresses, None where\n"
     "there is no value; TypeError where the values are no addresses of structs"},
    {0},
};

static PyGetSetDef getset[] = {
    {"name", get_name, NULL, "str: the path that was read", NULL},
    {"type", get_type, NULL, "str: the C type of the values", NULL},
    {"format", get_format, NULL, "str: of an element, as module struct has it", NULL},
    {"valid", get_valid, NULL, "Column: of bools, False where there is no value", NULL},
    {"missing", get_missing, NULL, "int: rows without a value", NULL},
    {"faults", get_faults, NULL, "list of ColumnFault: why rows have no value", NULL},
    {0},
};

static PyType_Slot column_slots[] = {
    {Py_tp_doc, "A typed array of values from the dump. It cannot be changed, and has the buffer\n"
                "protocol: numpy.asarray(column) is no copy. Rows without a value are zero there."},
    {Py_tp_dealloc, column_dealloc},
    {Py_tp_repr, column_repr},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_sq_length, column_length},
    {Py_sq_item, column_item},
    {Py_mp_length, column_length},
    {Py_mp_subscript, column_subscript},
    {Py_bf_getbuffer, column_getbuffer},
    {0, NULL},
};

static PyType_Spec column_spec = {
    .name = "_pykdump.Column",
    .basicsize = sizeof(struct column_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = column_slots,
};

int column_add_types(PyObject *module)
{
    struct objects_state *state = objects_state();
    Py_XSETREF(state->column_type,
               (PyTypeObject *)PyType_FromModuleAndSpec(module, &column_spec, NULL));
    Py_XSETREF(state->fault_type, column_fault_type_new());
    if (!state->column_type || !state->fault_type ||
        PyModule_AddObjectRef(module, "Column", (PyObject *)state->column_type) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "ColumnFault", (PyObject *)state->fault_type);
}
