// SPDX-License-Identifier: GPL-3.0-or-later
// Columns: the same values of many structs, read into typed arrays in one go.
//
// What cannot be read is zero in the array and marked in its mask, with the reasons counted.
#ifndef MPYKDUMP_WALKERS_GATHER_H
#define MPYKDUMP_WALKERS_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "types/path.h"

enum column_kind {
    COLUMN_UNSIGNED, // integers, enums, pointers: of 1, 2, 4 or 8 bytes
    COLUMN_SIGNED,
    COLUMN_BOOL,    // one byte that is 0 or 1
    COLUMN_FLOAT,   // of 4 or 8 bytes
    COLUMN_ADDRESS, // where an embedded struct or array of structs is
    COLUMN_TEXT,    // char []: its bytes
    COLUMN_BYTES,   // integers of other sizes: their bytes as they are in memory
};

enum { COLUMN_MAX_REASONS = 6 };

struct column_fault {
    enum error_code code; // ERR_NULL for a NULL pointer on the way, else why memory was unreadable
    size_t count;
    size_t row;       // the first of these
    uint64_t address; // what could not be read there, 0 for NULL
    char message[128];
};

struct column {
    enum column_kind kind;
    uint32_t element_size; // bytes
    uint32_t elements;     // of an array in each row; 0: one value that is no array
    size_t item_size;      // bytes of a row
    size_t count;          // rows
    uint8_t *items;
    uint8_t *valid; // a byte for each row, 1 where there is a value; NULL: all have one
    struct column_fault faults[COLUMN_MAX_REASONS];
    size_t fault_kinds;
    struct path path; // usable while its types live
};

// What a column of the values at a path of a struct is to hold. ERR_TYPE when they have no value,
// and the errors of path_compile.
bool column_init(struct column *column, const struct type *root, const char *path, size_t length,
                 struct error *err);

// A column of numbers of 8 bytes that takes the array's items.
void column_take_array(struct column *column, uint64_t *items, size_t count);

// Fills initialised, empty columns from the structs at the addresses; address 0 is a NULL pointer.
// ERR_VALUE when they would be absurdly large, ERR_INTERRUPTED, ERR_NO_MEMORY; the columns are to
// be released then too.
bool columns_gather(struct column *columns, size_t column_count, const uint64_t *addresses,
                    size_t count, struct error *err);

// Rows without a value.
size_t column_missing(const struct column *column);

void column_release(struct column *column);

#endif
