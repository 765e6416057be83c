// SPDX-License-Identifier: GPL-3.0-or-later
// Reading a value of a C type from memory into Python.
#ifndef MPYKDUMP_OBJECTS_READER_H
#define MPYKDUMP_OBJECTS_READER_H

#include <Python.h>
#include <stdbool.h>

#include "base/error.h"
#include "types/type.h"

enum reader_kind {
    READER_NEW, // decided at first use
    READER_UNSIGNED,
    READER_SIGNED,
    READER_BOOL,
    READER_BITS, // a bit field
    READER_ENUM,
    READER_FLOAT,
    READER_WIDE,   // integers of more than 64 bits
    READER_STRUCT, // embedded: the object of its address
    READER_STRUCT_POINTER,
    READER_POINTER, // any other pointer: tPtr
    READER_FUNCTION_POINTER,
    READER_STRING,         // char []
    READER_STRING_POINTER, // char *
    READER_ARRAY,
    READER_OPEN_ARRAY,    // of unknown length: the object of its address
    READER_POINTER_ARRAY, // Array1
    READER_NONE,          // no value: void, functions
};

struct typed_class;

struct reader {
    enum reader_kind kind;
    uint8_t size;      // of numbers, in bytes
    uint8_t bit_shift; // of bit fields, within the first byte
    uint8_t bit_size;
    bool in_array;             // what is read is an element of an array
    const struct type *type;   // as declared
    struct typed_class *class; // of structs, pointers to them, other pointers, enums
};

// Prepares a reader for a type, or for a bit field in it.
void reader_init(struct reader *reader, const struct type *type);
void reader_init_bits(struct reader *reader, const struct type *type, uint64_t bit_offset,
                      uint32_t bit_size);

// A new reference, or NULL with a Python exception.
PyObject *reader_read(struct reader *reader, uint64_t address);

#endif
