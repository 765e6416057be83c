// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/reader.h"

#include <string.h>

#include "memory/cache.h"
#include "objects/classes.h"
#include "objects/list.h"
#include "objects/pointer_array.h"
#include "objects/pylong.h"
#include "objects/raise.h"
#include "objects/string.h"

enum {
    MAX_ELEMENTS = 1 << 20,   // of one array turned into a list
    MAX_STRING = 1 << 20,     // bytes of one char []
    MAX_ARRAY_SIZE = 1 << 26, // bytes of one array turned into a list
    MAX_DIMENSIONS = 64,
};

void reader_init(struct reader *reader, const struct type *type)
{
    *reader = (struct reader){.kind = READER_NEW, .type = type};
}

void reader_init_bits(struct reader *reader, const struct type *type, uint64_t bit_offset,
                      uint32_t bit_size)
{
    reader_init(reader, type);
    reader->bit_shift = bit_offset % 8;
    reader->bit_size = bit_size <= UINT8_MAX ? (uint8_t)bit_size : UINT8_MAX;
}

static enum reader_kind number_kind(const struct type *type)
{
    if (type->size > sizeof(uint64_t) || type->size == 0 || (type->size & (type->size - 1)))
        return READER_WIDE;
    return type->is_signed ? READER_SIGNED : READER_UNSIGNED;
}

static bool resolve_class(struct reader *reader, const struct type *type, enum reader_kind kind)
{
    reader->class = class_for(type);
    reader->kind = kind;
    return reader->class != NULL;
}

static bool resolve_pointer(struct reader *reader, const struct type *pointer)
{
    const struct type *target = type_resolve(type_target(pointer));
    if (type_is_aggregate(target))
        return resolve_class(reader, target, READER_STRUCT_POINTER);
    if (target->kind == TYPE_FUNCTION) {
        reader->kind = READER_FUNCTION_POINTER;
        return true;
    }
    if (type_is_char(target)) {
        reader->kind = READER_STRING_POINTER;
        return true;
    }
    return resolve_class(reader, pointer, READER_POINTER);
}

static bool resolve(struct reader *reader);

static bool resolve_array(struct reader *reader, const struct type *array)
{
    const struct type *element = type_resolve(type_target(array));
    // An array of one struct is how C embeds what it wants to pass by address.
    if (type_is_aggregate(element) && array->length <= 1)
        return resolve_class(reader, element, READER_STRUCT);
    if (element->kind == TYPE_POINTER)
        return resolve_class(reader, array,
                             array->length > 1 ? READER_POINTER_ARRAY : READER_OPEN_ARRAY);
    if (array->length == 0)
        return resolve_class(reader, array, READER_OPEN_ARRAY);
    if (type_is_char(element)) {
        reader->kind = READER_STRING;
        return true;
    }
    // Programs know "int x[1]" as an int, "unsigned x[1]" as a list.
    if (array->length == 1 && element->kind == TYPE_INT && element->is_signed &&
        !reader->in_array) {
        reader->type = element;
        return resolve(reader);
    }
    reader->kind = READER_ARRAY;
    return true;
}

// Decides how to read; false with a Python exception.
static bool resolve(struct reader *reader)
{
    const struct type *type = type_resolve(reader->type);
    reader->size = type->size <= sizeof(uint64_t) ? (uint8_t)type->size : 0;
    switch (type->kind) {
    case TYPE_INT:
        reader->kind = number_kind(type);
        break;
    case TYPE_BOOL:
        reader->kind = reader->size ? READER_BOOL : READER_NONE;
        break;
    case TYPE_ENUM:
        // Programs know the enums of arrays as numbers.
        if (reader->in_array)
            reader->kind = number_kind(type);
        else if (!resolve_class(reader, type, reader->size ? READER_ENUM : READER_NONE))
            return false;
        break;
    case TYPE_FLOAT:
        reader->kind = READER_FLOAT;
        break;
    case TYPE_STRUCT:
    case TYPE_UNION:
        return resolve_class(reader, type, READER_STRUCT);
    case TYPE_POINTER:
        return resolve_pointer(reader, type);
    case TYPE_ARRAY:
        return resolve_array(reader, type);
    case TYPE_VOID:
    case TYPE_FUNCTION:
    case TYPE_TYPEDEF:
        reader->kind = READER_NONE;
        break;
    }
    // The compilers' widest type has 128 bits, the kernel's widest bit field 64; a damaged
    // description may have any.
    if (reader->bit_size)
        reader->kind = reader->bit_size <= 64 ? READER_BITS : READER_NONE;
    return true;
}

static int64_t sign_extend(uint64_t value, unsigned bits)
{
    unsigned unused = 64 - bits;
    return (int64_t)(value << unused) >> unused;
}

// An enum's value of that many bits.
static PyObject *enum_instance(const struct reader *reader, uint64_t value, unsigned bits)
{
    const struct typed_class *class = reader->class;
    if (class->type->is_signed)
        return pylong_signed_instance(class->python, sign_extend(value, bits));
    return class_instance(class, value);
}

static PyObject *read_bits(struct reader *reader, uint64_t address)
{
    uint8_t bytes[16] = {0};
    struct error err;
    size_t size = (reader->bit_shift + reader->bit_size + 7u) / 8u;
    if (!cache_read(address, bytes, size, &err))
        return raise_error(&err);
    unsigned __int128 word;
    memcpy(&word, bytes, sizeof(word));
    word >>= reader->bit_shift;
    uint64_t value = (uint64_t)word;
    if (reader->bit_size < 64)
        value &= (UINT64_C(1) << reader->bit_size) - 1;
    const struct type *type = type_resolve(reader->type);
    if (type->kind == TYPE_BOOL)
        return PyBool_FromLong(value != 0);
    if (type->kind == TYPE_ENUM)
        return enum_instance(reader, value, reader->bit_size);
    if (type->is_signed)
        return PyLong_FromLongLong(sign_extend(value, reader->bit_size));
    return PyLong_FromUnsignedLongLong(value);
}

static PyObject *read_float(const struct reader *reader, uint64_t address)
{
    union {
        float single;
        double wide;
        uint8_t bytes[8];
    } number = {0};
    struct error err;
    if (reader->size != sizeof(float) && reader->size != sizeof(double))
        return PyErr_Format(PyExc_TypeError, "no value of a floating type of %u bytes",
                            reader->size);
    if (!cache_read(address, number.bytes, reader->size, &err))
        return raise_error(&err);
    return PyFloat_FromDouble(reader->size == sizeof(float) ? (double)number.single : number.wide);
}

static PyObject *read_wide(const struct reader *reader, uint64_t address)
{
    const struct type *type = type_resolve(reader->type);
    uint8_t bytes[32];
    struct error err;
    if (type->size == 0 || type->size > sizeof(bytes))
        return PyErr_Format(PyExc_TypeError, "no value of an integer of %llu bytes",
                            (unsigned long long)type->size);
    if (!cache_read(address, bytes, type->size, &err))
        return raise_error(&err);
    return pylong_from_bytes(bytes, type->size, type->is_signed);
}

static PyObject *read_string(const struct reader *reader, uint64_t address)
{
    uint64_t size = type_resolve(reader->type)->length;
    char window[STRING_WINDOW];
    struct error err;
    if (size > MAX_STRING)
        return PyErr_Format(PyExc_TypeError, "a char array of %llu bytes is too large",
                            (unsigned long long)size);
    if (size <= sizeof(window)) {
        if (!cache_read(address, window, size, &err))
            return raise_error(&err);
        return string_new(window, size, address, 0);
    }
    char *bytes = PyMem_Malloc(size);
    if (!bytes)
        return PyErr_NoMemory();
    PyObject *string = cache_read(address, bytes, size, &err) ? string_new(bytes, size, address, 0)
                                                              : raise_error(&err);
    PyMem_Free(bytes);
    return string;
}

static PyObject *read_string_pointer(uint64_t value, uint64_t address)
{
    char window[STRING_WINDOW];
    size_t length;
    struct error err;
    if (!value)
        Py_RETURN_NONE;
    if (!string_window(value, window, &length, &err))
        return raise_error(&err);
    return string_new(window, length, value, address);
}

// How many values an array of any dimensions has, counted up to one more than is allowed.
static uint64_t element_count(const struct type *array)
{
    uint64_t count = 1;
    int dimensions = 0;
    // A damaged description may go round in a circle, or be of more text than there is memory.
    if (array->size > MAX_ARRAY_SIZE)
        return MAX_ELEMENTS + 1;
    while (array->kind == TYPE_ARRAY && count <= MAX_ELEMENTS) {
        const struct type *element = type_resolve(type_target(array));
        if (array->length > MAX_ELEMENTS || ++dimensions > MAX_DIMENSIONS)
            return MAX_ELEMENTS + 1;
        if (array->length && !type_is_char(element))
            count *= array->length;
        array = element;
    }
    return count;
}

static PyObject *read_array(const struct reader *reader, uint64_t address)
{
    const struct type *array = type_resolve(reader->type);
    const struct type *element = type_target(array);
    if (element_count(array) > MAX_ELEMENTS)
        return PyErr_Format(PyExc_TypeError, "an array of more than %d elements is too large",
                            MAX_ELEMENTS);
    struct reader item;
    reader_init(&item, element);
    item.in_array = true;
    PyObject *list = list_begin(array->length);
    for (uint64_t i = 0; list && i < array->length; i++) {
        PyObject *value = reader_read(&item, address + i * element->size);
        if (value)
            PyList_SET_ITEM(list, (Py_ssize_t)i, value);
        else
            Py_CLEAR(list);
    }
    return list_end(list);
}

static PyObject *read_pointer(struct reader *reader, uint64_t address)
{
    uint64_t value;
    struct error err;
    if (!address) {
        error_set(&err, ERR_NULL, "readPtr NULL pointer");
        return raise_error(&err);
    }
    if (!cache_read_word(address, sizeof(value), &value, &err))
        return raise_error(&err);
    if (reader->kind == READER_FUNCTION_POINTER)
        return PyLong_FromUnsignedLongLong(value);
    if (reader->kind == READER_STRING_POINTER)
        return read_string_pointer(value, address);
    return class_instance(reader->class, value);
}

PyObject *reader_read(struct reader *reader, uint64_t address)
{
    uint64_t value;
    struct error err;

    // Finding out about types can be interrupted, which leaves them void for this time.
    if (reader->kind == READER_NEW && (!resolve(reader) || PyErr_Occurred())) {
        reader->kind = READER_NEW;
        return NULL;
    }
    switch (reader->kind) {
    case READER_UNSIGNED:
    case READER_SIGNED:
    case READER_BOOL:
    case READER_ENUM:
        if (!cache_read_word(address, reader->size, &value, &err))
            return raise_error(&err);
        if (reader->kind == READER_SIGNED)
            return PyLong_FromLongLong(sign_extend(value, reader->size * 8u));
        if (reader->kind == READER_BOOL)
            return PyBool_FromLong(value != 0);
        if (reader->kind == READER_ENUM)
            return enum_instance(reader, value, reader->size * 8u);
        return PyLong_FromUnsignedLongLong(value);
    case READER_STRUCT:
    case READER_OPEN_ARRAY:
        return class_instance(reader->class, address);
    case READER_STRUCT_POINTER:
    case READER_POINTER:
    case READER_FUNCTION_POINTER:
    case READER_STRING_POINTER:
        return read_pointer(reader, address);
    case READER_POINTER_ARRAY:
        return pointer_array_new(reader->class, address);
    case READER_BITS:
        return read_bits(reader, address);
    case READER_STRING:
        return read_string(reader, address);
    case READER_ARRAY:
        return read_array(reader, address);
    case READER_FLOAT:
        return read_float(reader, address);
    case READER_WIDE:
        return read_wide(reader, address);
    case READER_NEW:
    case READER_NONE:
        break;
    }
    char name[256];
    type_format(reader->type, name, sizeof(name));
    return PyErr_Format(PyExc_TypeError, "a %s has no value to read", name);
}
