// SPDX-License-Identifier: GPL-3.0-or-later
// How many elements an array has. Python's own macro for it is no constant since 3.13.
#ifndef MPYKDUMP_BASE_LENGTH_H
#define MPYKDUMP_BASE_LENGTH_H

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof(*(array)))

#endif
