// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static void fill(struct error *err, enum error_code code, uint64_t address, const char *format,
                 va_list args)
{
    if (!err)
        return;
    err->code = code;
    err->address = address;
    vsnprintf(err->message, sizeof(err->message), format, args);
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, code, 0, format, args);
    va_end(args);
    return false;
}

bool error_set_at(struct error *err, enum error_code code, uint64_t address, const char *format,
                  ...)
{
    va_list args;
    va_start(args, format);
    fill(err, code, address, format, args);
    va_end(args);
    return false;
}

bool error_set_no_memory(struct error *err)
{
    return error_set(err, ERR_NO_MEMORY, "out of memory");
}
