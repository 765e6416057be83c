// SPDX-License-Identifier: GPL-3.0-or-later
// Indexes kept on disk from one session to the next, by build ID.
//
// They are in $XDG_CACHE_HOME/mpykdump/dwarf/ (~/.cache without that), which is safe to delete, and
// are replaced as a whole or not at all. What another user could have written is not used.
#ifndef MPYKDUMP_TYPES_INDEX_FILE_H
#define MPYKDUMP_TYPES_INDEX_FILE_H

#include "types/dwarf_index.h"

// Reads the index of that file. It is in memory of our own, so that nothing that happens to the
// file later can harm. False with the reason when there is none that may be used.
bool index_file_load(struct dwarf_index *index, const struct dwarf_identity *identity,
                     struct error *reason);

// Keeps an index, and removes the oldest ones when there are too many. False with the reason when
// that was not possible; nothing depends on it.
bool index_file_store(const struct dwarf_index *index, const struct dwarf_identity *identity,
                      struct error *reason);

#endif
