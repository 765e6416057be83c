// SPDX-License-Identifier: GPL-3.0-or-later
// A file with DWARF: a linked one (vmlinux), or a relocatable one (a module's .ko), whose debug
// sections are relocated in memory first.
#ifndef MPYKDUMP_TYPES_DWARF_FILE_H
#define MPYKDUMP_TYPES_DWARF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "types/libdw.h"

enum { BUILD_ID_MAX = 64 };

// What tells one file from another of the same name.
struct dwarf_identity {
    uint8_t build_id[BUILD_ID_MAX];
    size_t build_id_size; // 0: it has none
    uint64_t file_size;   // a stripped file has the build ID of the whole one
};

struct dwarf_file {
    Dwarf *dwarf;
    struct dwarf_identity identity;

    // Behind it.
    int fd;
    Elf *elf;
    Dwfl *dwfl;
};

// Where the sections of a relocatable file were loaded.
struct dwarf_sections {
    const char *const *names;
    const uint64_t *addresses;
    size_t count;
};

// False with ERR_TYPE and the reason when there is no such file, no libdw, or no DWARF in it.
bool dwarf_file_open(struct dwarf_file *file, const char *path, struct error *err);

// The same for a relocatable file; its DWARF then has the addresses that its code was loaded at.
bool dwarf_file_open_loaded(struct dwarf_file *file, const char *path,
                            const struct dwarf_sections *sections, struct error *err);

// Where a section of a linked file begins. False if it has none of that name.
bool dwarf_file_section(struct dwarf_file *file, const char *name, uint64_t *address);

// Closes what is open; an all-zero or closed file is left alone.
void dwarf_file_close(struct dwarf_file *file);

#endif
