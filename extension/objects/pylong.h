// SPDX-License-Identifier: GPL-3.0-or-later
// Instances of subclasses of int, made without the detour over a call of the class: the only
// place that knows how CPython lays out an int, and the differences between its versions.
#ifndef MPYKDUMP_OBJECTS_PYLONG_H
#define MPYKDUMP_OBJECTS_PYLONG_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#if PY_VERSION_HEX < 0x030c0000
#define PYLONG_DIGITS(object) ((object)->ob_digit)
#define PYLONG_SET_SIZE(object, count, negative)                                                   \
    Py_SET_SIZE(object, (negative) ? -(count) : (count))
#else
#define PYLONG_DIGITS(object) ((object)->long_value.ob_digit)
// The low three bits of the tag: 0 positive, 1 zero, 2 negative.
#define PYLONG_SET_SIZE(object, count, negative)                                                   \
    ((object)->long_value.lv_tag = ((uintptr_t)(count) << 3) | ((negative) ? 2 : (count) == 0))
#endif

// A new instance of `type` with the value or its negative, or NULL with an exception.
static inline PyObject *pylong_digits(PyTypeObject *type, uint64_t value, bool negative)
{
    Py_ssize_t count = 0;
    for (uint64_t rest = value; rest; rest >>= PyLong_SHIFT)
        count++;
    PyLongObject *object = (PyLongObject *)type->tp_alloc(type, count ? count : 1);
    if (!object)
        return NULL;
    PYLONG_SET_SIZE(object, count, negative);
    for (Py_ssize_t i = 0; i < count; i++, value >>= PyLong_SHIFT)
        PYLONG_DIGITS(object)[i] = (digit)(value & PyLong_MASK);
    return (PyObject *)object;
}

static inline PyObject *pylong_instance(PyTypeObject *type, uint64_t value)
{
    return pylong_digits(type, value, false);
}

static inline PyObject *pylong_signed_instance(PyTypeObject *type, int64_t value)
{
    return value < 0 ? pylong_digits(type, -(uint64_t)value, true)
                     : pylong_digits(type, (uint64_t)value, false);
}

// The address that an int stands for: its low 64 bits, since programs compute with negative
// offsets too.
static inline uint64_t pylong_address(PyObject *object)
{
    return PyLong_AsUnsignedLongLongMask(object);
}

// An int of any width from little-endian bytes. CPython's own function for it has no public name.
static inline PyObject *pylong_from_bytes(const uint8_t *bytes, size_t size, int is_signed)
{
    return _PyLong_FromByteArray(bytes, size, 1, is_signed);
}

#endif
