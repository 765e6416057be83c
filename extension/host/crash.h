// SPDX-License-Identifier: GPL-3.0-or-later
// crash's own header, tamed: included by this folder's files only.
#ifndef MPYKDUMP_HOST_CRASH_H
#define MPYKDUMP_HOST_CRASH_H

#include <stdbool.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <crash/defs.h>
#pragma GCC diagnostic pop

// A macro there (for its function of that name), a struct here.
#undef error

#endif
