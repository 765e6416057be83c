// SPDX-License-Identifier: GPL-3.0-or-later
// Chains of members such as "mm.pgd": compiled once for a class, then followed without an object
// for each step.
#ifndef MPYKDUMP_OBJECTS_CHAIN_H
#define MPYKDUMP_OBJECTS_CHAIN_H

#include <Python.h>
#include <stdbool.h>

#include "objects/classes.h"

// The value at the end of a dotted path that begins at a struct of the class at `address`;
// pointers to structs are followed, "a[2].b" takes an element. The values and exceptions are
// those of one attribute after the other: for a missing member crash.ChainError, which is a
// KeyError and a TypeError, TypeError for a path through something that has no members,
// crash.error and IndexError for memory. Attributes that a
// program has given to the class are found too.
// With `members_only` they are not, neither one that hides a member; what is missing is a plain
// KeyError.
PyObject *chain_read(struct typed_class *class, uint64_t address, PyObject *path,
                     bool members_only);

#endif
