// SPDX-License-Identifier: GPL-3.0-or-later
// Module `crash`: reading memory.
#include <inttypes.h>

#include "base/message.h"
#include "memory/cache.h"
#include "memory/user.h"
#include "objects/arguments.h"
#include "objects/crash_module.h"
#include "objects/pylong.h"
#include "objects/raise.h"
#include "objects/state.h"

static bool read_space(int space, uint64_t address, void *buffer, size_t size, struct error *err)
{
    if (space == HOST_KERNEL)
        return cache_read(address, buffer, size, err);
    return memory_read((enum host_space)space, address, buffer, size, err);
}

static bool check_space(int *space)
{
    if (*space < 0)
        *space = objects_state()->default_space;
    switch ((enum host_space) * space) {
    case HOST_KERNEL:
    case HOST_USER:
    case HOST_PHYSICAL:
    case HOST_XEN_MACHINE:
        return true;
    case HOST_FILE:
    case HOST_AMBIGUOUS:
        break;
    }
    PyErr_Format(objects_state()->error, "%d is not a memory type", *space);
    return false;
}

static PyObject *null_pointer(void)
{
    struct error err;
    error_set(&err, ERR_NULL, "readPtr NULL pointer");
    return raise_error(&err);
}

static PyObject *crash_readmem(PyObject *module, PyObject *args)
{
    uint64_t address;
    size_t size;
    int space = -1;
    struct error err;
    if (!PyArg_ParseTuple(args, "O&O&|i:readmem", argument_address, &address, argument_size, &size,
                          &space) ||
        !check_space(&space))
        return argument_failure();
    if (!address && space == HOST_KERNEL)
        return null_pointer();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (bytes && !read_space(space, address, PyBytes_AS_STRING(bytes), size, &err)) {
        Py_CLEAR(bytes);
        raise_error(&err);
    }
    return bytes;
}

static PyObject *crash_read_pointer(PyObject *module, PyObject *args)
{
    uint64_t address;
    uint64_t value;
    int space = -1;
    struct error err;
    if (!PyArg_ParseTuple(args, "O&|i:readPtr", argument_address, &address, &space) ||
        !check_space(&space))
        return argument_failure();
    if (!address && space == HOST_KERNEL)
        return null_pointer();
    if (!read_space(space, address, &value, sizeof(value), &err))
        return raise_error(&err);
    return PyLong_FromUnsignedLongLong(value);
}

static PyObject *crash_read_int(PyObject *module, PyObject *args)
{
    uint64_t address;
    size_t size;
    int is_signed = 0;
    int space = -1;
    uint8_t bytes[32];
    struct error err;
    if (!PyArg_ParseTuple(args, "O&O&|pi:readInt", argument_address, &address, argument_size, &size,
                          &is_signed, &space) ||
        !check_space(&space))
        return argument_failure();
    if (size > sizeof(bytes))
        return PyErr_Format(objects_state()->error, "an int of %zu bytes is too large", size);
    if (!read_space(space, address, bytes, size, &err))
        return raise_error(&err);
    return pylong_from_bytes(bytes, size, is_signed);
}

static PyObject *crash_read_process(PyObject *module, PyObject *args)
{
    uint64_t task;
    uint64_t address;
    size_t size;
    struct error err;
    if (!PyArg_ParseTuple(args, "O&O&O&:readProcessMem", argument_address, &task, argument_address,
                          &address, argument_size, &size))
        return argument_failure();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (bytes && !user_read(task, address, PyBytes_AS_STRING(bytes), size, &err)) {
        Py_CLEAR(bytes);
        raise_error(&err);
    }
    return bytes;
}

static PyObject *crash_uvtop(PyObject *module, PyObject *args)
{
    uint64_t task;
    uint64_t address;
    uint64_t physical;
    struct error err;
    if (!PyArg_ParseTuple(args, "O&O&:uvtop", argument_address, &task, argument_address, &address))
        return argument_failure();
    if (!user_translate(task, address, &physical, &err))
        return raise_error(&err);
    return PyLong_FromUnsignedLongLong(physical);
}

static PyObject *crash_phys_to_page(PyObject *module, PyObject *argument)
{
    uint64_t physical;
    uint64_t page;
    struct error err;
    if (!argument_address(argument, &physical))
        return NULL;
    struct message message = {
        .kind = MESSAGE_TRANSLATE, .what = "phys_to_page", .address = physical};
    message_send(&message);
    bool ok = host_phys_to_page(physical, &page, &err);
    message.number = ok ? page : 0;
    if (!message_receive(&message, ok, &err))
        return raise_error(&err);
    return PyLong_FromUnsignedLongLong(page);
}

static PyObject *crash_page_offset(PyObject *module, PyObject *argument)
{
    uint64_t address;
    if (!argument_address(argument, &address))
        return NULL;
    return PyLong_FromUnsignedLongLong(address & (HOST_PAGE_SIZE - 1));
}

PyMethodDef crash_memory_functions[] = {
    {"readmem", crash_readmem, METH_VARARGS,
     "readmem(address, size[, mtype]) -> bytes: IndexError for NULL, crash.error"},
    {"readPtr", crash_read_pointer, METH_VARARGS,
     "readPtr(address[, mtype]) -> int: the pointer there; IndexError for NULL, crash.error"},
    {"readInt", crash_read_int, METH_VARARGS,
     "readInt(address, size[, signed[, mtype]]) -> int: of 1 to 32 bytes; crash.error"},
    {"readProcessMem", crash_read_process, METH_VARARGS,
     "readProcessMem(task, address, size) -> bytes: user memory of a task; crash.error"},
    {"uvtop", crash_uvtop, METH_VARARGS,
     "uvtop(task, address) -> int: the physical address behind a user address; crash.error"},
    {"phys_to_page", crash_phys_to_page, METH_O,
     "phys_to_page(physical) -> int: address of its struct page; crash.error"},
    {"PAGEOFFSET", crash_page_offset, METH_O, "PAGEOFFSET(address) -> int: offset in its page"},
    {0},
};
