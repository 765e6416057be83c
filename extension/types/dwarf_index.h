// SPDX-License-Identifier: GPL-3.0-or-later
// The index of a file's DWARF: from a name to the entries (DIEs) that define it.
//
// An index is one block of bytes without pointers, so that it can be kept on disk (index_file.h):
//
//     struct index_header   what it is, whose it is, a checksum
//     uint32_t heads[]      by hash of the name: the first entry, 0 for none
//     struct index_entry[]  entry 0 is not used; in the order of the file
//     char names[]          ended by NUL each
//
// Bytes may come from anywhere: dwarf_index_adopt checks all that reading relies on, so that
// wrong ones can make it find the wrong thing or nothing, and no more.
#ifndef MPYKDUMP_TYPES_DWARF_INDEX_H
#define MPYKDUMP_TYPES_DWARF_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "types/dwarf_file.h"

enum index_kind {
    INDEX_STRUCT,
    INDEX_UNION,
    INDEX_ENUM,
    INDEX_TYPEDEF,
    INDEX_BASE,
    INDEX_VARIABLE,
    INDEX_DECLARATION, // of a variable, for those whose definition has no description
    INDEX_KINDS,
};

struct index_entry {
    uint64_t offset : 56; // of the DIE in .debug_info
    uint64_t kind : 8;    // enum index_kind
    uint32_t size;        // of the type in bytes, where the DIE says it
    uint32_t line;        // of the declaration: tells definitions of one name apart
    uint32_t name;        // offset in the names
    uint32_t next;        // the next entry of this hash, which is a later one; 0 for none
};

struct index_header {
    char magic[8];
    uint32_t version;
    uint32_t head_count; // a power of two
    uint32_t entry_count;
    uint32_t name_size; // of all names; a multiple of 8
    uint64_t file_size;
    uint8_t build_id[BUILD_ID_MAX];
    uint64_t build_id_size;
    uint64_t checksum; // of all bytes, taken with this field 0
};

struct dwarf_index {
    const struct index_header *header; // NULL: there is no index
    const uint32_t *heads;
    const struct index_entry *entries;
    const char *names;
    size_t size; // of everything from the header on
};

// Makes an index of bytes, which it owns on success (they came from malloc). False with the reason,
// when they are not a sound index of that file.
bool dwarf_index_adopt(struct dwarf_index *index, void *bytes, size_t size,
                       const struct dwarf_identity *identity, struct error *err);
void dwarf_index_free(struct dwarf_index *index);

// The first entry of that kind and name, and the next one behind an entry. 0 if there is none.
uint32_t dwarf_index_find(const struct dwarf_index *index, enum index_kind kind, const char *name);
uint32_t dwarf_index_next(const struct dwarf_index *index, uint32_t entry);

static inline const char *dwarf_index_name(const struct dwarf_index *index, uint32_t entry)
{
    return index->names + index->entries[entry].name;
}

// Collects what will be an index.
struct index_builder {
    struct index_entry *entries;
    size_t entry_count;
    size_t entry_capacity;
    char *names;
    size_t name_size;
    size_t name_capacity;
    uint32_t *heads;
};

bool index_builder_init(struct index_builder *builder, struct error *err);
void index_builder_free(struct index_builder *builder);

// Adds an entry (whose name and next are not set yet), unless there is one of that name, kind, size
// and line: the kernel has each struct thousands of times.
bool index_builder_add(struct index_builder *builder, const char *name, struct index_entry entry,
                       struct error *err);

// Makes the index.
bool index_builder_finish(struct index_builder *builder, const struct dwarf_identity *identity,
                          struct dwarf_index *index, struct error *err);

#endif
