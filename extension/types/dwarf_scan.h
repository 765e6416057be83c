// SPDX-License-Identifier: GPL-3.0-or-later
// The pass over a file's DWARF that finds what it defines at file scope.
#ifndef MPYKDUMP_TYPES_DWARF_SCAN_H
#define MPYKDUMP_TYPES_DWARF_SCAN_H

#include "types/dwarf_file.h"
#include "types/dwarf_index.h"

// Makes the index; the path is for people. ERR_INTERRUPTED after a Ctrl-C. Units that are damaged
// end early. Shows how far it is on stderr if that is a terminal and it takes long.
bool dwarf_scan(struct dwarf_file *file, const char *path, struct dwarf_index *index,
                struct error *err);

// What kind of index entry a DIE makes, by its tag alone; INDEX_KINDS for none.
enum index_kind dwarf_scan_kind(int tag);

#endif
