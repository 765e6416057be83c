// SPDX-License-Identifier: GPL-3.0-or-later
// What went wrong, as a value.
//
// One struct travels from the place that notices a failure up to objects/raise.c, the only place
// that turns it into a Python exception. Functions that can fail return false (or NULL) and fill
// the struct error that they were given; on success they leave it alone.
#ifndef MPYKDUMP_BASE_ERROR_H
#define MPYKDUMP_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum error_code {
    ERR_NONE = 0,
    ERR_NULL,        // a NULL pointer was followed
    ERR_FAULT,       // memory at `address` cannot be read, for none of the next three reasons
    ERR_UNMAPPED,    // no page is mapped at `address`
    ERR_EXCLUDED,    // the page was left out when the dump was written, to make it smaller
    ERR_ABSENT,      // the page is not in the dump: it is incomplete, or there was no such memory
    ERR_HOST,        // crash or gdb reported an error; the message is theirs
    ERR_TYPE,        // no such type, or the debug information describing it is unusable
    ERR_MEMBER,      // a struct has no member of that name
    ERR_SYMBOL,      // no such symbol
    ERR_DAMAGED,     // memory at `address` holds what no kernel writes there
    ERR_VALUE,       // an argument is out of range
    ERR_NO_MEMORY,   // allocation failed
    ERR_INTERRUPTED, // Ctrl-C, a signal handler, who watches; a Python exception is already set
    ERR_THREAD,      // crash may be called from its own thread only
};

struct error {
    enum error_code code;
    uint64_t address;   // of the memory concerned, 0 where there is none
    char message[1024]; // one or more lines of UTF-8, without a newline at the end
};

// Fills err (which may be NULL) and returns false, so that a caller can `return error_set(...)`.
bool error_set(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The same for failures that concern memory at an address.
bool error_set_at(struct error *err, enum error_code code, uint64_t address, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

// Is it about memory that cannot be read?
static inline bool error_is_fault(enum error_code code)
{
    return code == ERR_FAULT || code == ERR_UNMAPPED || code == ERR_EXCLUDED || code == ERR_ABSENT;
}

// ERR_NO_MEMORY.
bool error_set_no_memory(struct error *err);

#endif
