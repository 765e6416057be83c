// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel's memory map: a struct page for each page frame, in sections of 128 MiB of memory.
#ifndef MPYKDUMP_WALKERS_MEMMAP_H
#define MPYKDUMP_WALKERS_MEMMAP_H

#include "walkers/walk.h"

// Sees `count` struct pages of `size` bytes each, those of the frames from `pfn` on. False ends
// the walk; the error is in the report then.
typedef bool (*memmap_visitor)(void *context, uint64_t pfn, const uint8_t *pages, size_t count,
                               size_t size, struct walk_report *report);

// Shows the visitor the struct pages of all present memory. Parts of the map that are not mapped
// are holes in memory; others that cannot be read are skipped and reported.
enum walk_end memmap_visit(memmap_visitor visit, void *context, struct walk_report *report);

// Where the direct map has a page frame.
bool memmap_direct_base(uint64_t *base, struct error *err);

#endif
