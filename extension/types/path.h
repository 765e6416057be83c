// SPDX-License-Identifier: GPL-3.0-or-later
// Paths such as "mm.pgd" or "rlim[3].rlim_cur" from a struct to a value, compiled into offsets to
// add and pointers to follow, so that a value is reached without a look at any type.
#ifndef MPYKDUMP_TYPES_PATH_H
#define MPYKDUMP_TYPES_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "types/type.h"

enum { PATH_MAX_FOLLOWS = 16 };

struct path {
    size_t follows;                     // pointers on the way
    uint64_t offsets[PATH_MAX_FOLLOWS]; // of each, from where the one before points to
    uint64_t offset;                    // of the value, from where the last one points to
    const struct type *type;            // of the value, as declared
    uint8_t bit_shift;                  // of a bit field, within the byte at the offset
    uint32_t bit_size;                  // of a bit field, else 0
};

// Compiles `length` bytes of text. A struct and a pointer to one are the same to a path; an array
// of one struct is that struct. ERR_MEMBER names what is missing; ERR_TYPE is for a path through
// what has no members, ERR_VALUE for a bad index or more pointers than PATH_MAX_FOLLOWS.
bool path_compile(const struct type *root, const char *text, size_t length, struct path *path,
                  struct error *err);

// Forgets the paths that were compiled: types are about to go.
void path_forget(void);

// A member that is reached without following a pointer.
struct path_field {
    const char *name;
    uint64_t offset; // bytes
    uint64_t size;   // of its type, bytes
    uint8_t bit_shift;
    uint32_t bit_size;
};

// Fills the fields by their names: those of a struct given by its full name ("struct rb_node").
// ERR_TYPE without such a struct, ERR_MEMBER without one of the members.
bool path_fields(const char *type, struct path_field *fields, size_t count, struct error *err);

// One field, which may be missing: no error then.
bool path_field_exists(const char *type, struct path_field *field);

#endif
