// SPDX-License-Identifier: GPL-3.0-or-later
// Per-CPU data: where each CPU has its own.
#ifndef MPYKDUMP_WALKERS_PERCPU_H
#define MPYKDUMP_WALKERS_PERCPU_H

#include "walkers/walk.h"

// Appends the numbers of the possible CPUs to `cpus`, and to `addresses` where each has what the
// per-CPU pointer `base` (or the address of a per-CPU symbol) means. Without per-CPU areas there
// is CPU 0 alone, and the address is `base`.
enum walk_end percpu_collect(uint64_t base, struct array *cpus, struct array *addresses,
                             struct walk_report *report);

#endif
