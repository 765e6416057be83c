// SPDX-License-Identifier: GPL-3.0-or-later
// libdw (with libelf behind it), loaded when DWARF is first needed: the plug-in works without it.
//
// The functions are called through a table, `libdw->dwarf_tag(die)`, so that the plug-in does not
// depend on the library when it is loaded.
#ifndef MPYKDUMP_TYPES_LIBDW_H
#define MPYKDUMP_TYPES_LIBDW_H

#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <libelf.h>

#include "base/error.h"

// clang-format off
#define LIBDW_FUNCTIONS(X)                                                                         \
    X(elf_version) X(elf_begin) X(elf_end) X(elf_getshdrstrndx) X(elf_nextscn) X(elf_strptr)       \
    X(elf_rawdata) X(gelf_getshdr)                                                                 \
    X(dwelf_elf_gnu_build_id)                                                                      \
    X(dwfl_begin) X(dwfl_end) X(dwfl_report_offline) X(dwfl_report_end) X(dwfl_module_getdwarf)    \
    X(dwfl_offline_section_address) X(dwfl_report_module) X(dwfl_module_info) X(dwfl_errmsg)       \
    X(dwarf_begin_elf) X(dwarf_end) X(dwarf_getelf) X(dwarf_errmsg)                                \
    X(dwarf_next_unit) X(dwarf_offdie) X(dwarf_dieoffset) X(dwarf_cu_getdwarf)                     \
    X(dwarf_tag) X(dwarf_child) X(dwarf_siblingof)                                                 \
    X(dwarf_attr) X(dwarf_getattrs)                                                                \
    X(dwarf_formstring) X(dwarf_formudata) X(dwarf_formsdata) X(dwarf_formflag)                    \
    X(dwarf_formblock) X(dwarf_formref_die) X(dwarf_formaddr)                                      \
    X(dwarf_addrdie) X(dwarf_get_units) X(dwarf_entrypc) X(dwarf_ranges)               \
    X(dwarf_getlocation) X(dwarf_getlocations)                                                     \
    X(dwarf_getlocation_attr) X(dwarf_getlocation_die) X(dwarf_getlocation_implicit_value)         \
    X(dwarf_getsrc_die) X(dwarf_linesrc) X(dwarf_lineno) X(dwarf_getsrcfiles) X(dwarf_filesrc)
// clang-format on

struct libdw {
#define X(name) __typeof__(name) *name;
    LIBDW_FUNCTIONS(X)
#undef X
};

// The table; set by libdw_load and never unset. Whoever holds a Dwarf * may use it.
extern const struct libdw *libdw;

// False with ERR_TYPE and one clear reason when the library is missing or too old.
bool libdw_load(struct error *err);

#endif
