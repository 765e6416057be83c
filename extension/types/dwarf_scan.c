// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/dwarf_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/host.h"
#include "types/dwarf_die.h"

enum {
    RECENT = 1 << 16,           // a power of two
    ENTRIES_PER_LOOK = 1 << 15, // between two looks at the clock and for Ctrl-C
    LANGUAGE_RUST = 0x1c,       // not in the header of libdw 0.188
};

// What was added, by the address of its name: linkers keep one copy of each string, so that most
// repetitions are noticed without looking at the text.
struct recent {
    const char *name;
    uint32_t size;
    uint32_t line;
    enum index_kind kind;
};

struct scan {
    struct dwarf_file *file;
    const char *name; // the file's, for people
    struct index_builder builder;
    struct recent *recent;
    struct timespec start;
    bool on_terminal;
    bool shown;
    unsigned entries; // since the last look
    uint64_t total;   // bytes of .debug_info, as far as known
};

// The attributes that say what a DIE is to the index, taken in one pass.
struct summary {
    const char *name;
    uint64_t size;
    uint64_t line;
    bool declaration;
    bool completes; // another DIE, which has the name
    bool place;     // has a location or value
};

enum index_kind dwarf_scan_kind(int tag)
{
    switch (tag) {
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
        return INDEX_STRUCT;
    case DW_TAG_union_type:
        return INDEX_UNION;
    case DW_TAG_enumeration_type:
        return INDEX_ENUM;
    case DW_TAG_typedef:
        return INDEX_TYPEDEF;
    case DW_TAG_base_type:
        return INDEX_BASE;
    case DW_TAG_variable:
        return INDEX_VARIABLE;
    default:
        return INDEX_KINDS;
    }
}

static int take_attribute(Dwarf_Attribute *attribute, void *data)
{
    struct summary *summary = data;
    Dwarf_Word number;
    bool flag;
    switch (attribute->code) {
    case DW_AT_name:
        summary->name = libdw->dwarf_formstring(attribute);
        break;
    case DW_AT_byte_size:
        if (libdw->dwarf_formudata(attribute, &number) == 0)
            summary->size = number;
        break;
    case DW_AT_decl_line:
        if (libdw->dwarf_formudata(attribute, &number) == 0)
            summary->line = number;
        break;
    case DW_AT_declaration:
        if (libdw->dwarf_formflag(attribute, &flag) == 0)
            summary->declaration = flag;
        break;
    case DW_AT_specification:
    case DW_AT_abstract_origin:
        summary->completes = true;
        break;
    default:
        break;
    }
    return DWARF_CB_OK;
}

static bool scan_entry(struct scan *scan, Dwarf_Die *die, enum index_kind kind, struct error *err)
{
    struct summary summary = {0};
    if (libdw->dwarf_getattrs(die, take_attribute, &summary, 0) < 0)
        return true;
    if (!summary.name && summary.completes)
        summary.name = die_name(die);
    if (!summary.name || !*summary.name)
        return true;
    if (summary.declaration) {
        if (kind != INDEX_VARIABLE)
            return true;
        // One of them is enough.
        kind = INDEX_DECLARATION;
        summary.line = 0;
    }
    if (kind == INDEX_BASE)
        summary.line = 0;
    uint32_t size = summary.size > UINT32_MAX ? UINT32_MAX : (uint32_t)summary.size;
    uint32_t line = summary.line > UINT32_MAX ? UINT32_MAX : (uint32_t)summary.line;
    uint64_t hash = ((uintptr_t)summary.name ^ ((uint64_t)line << 40) ^ kind) * 0x9e3779b97f4a7c15;
    struct recent *recent = &scan->recent[(hash >> 40) & (RECENT - 1)];
    if (recent->name == summary.name && recent->size == size && recent->line == line &&
        recent->kind == kind)
        return true;
    *recent = (struct recent){summary.name, size, line, kind};
    struct index_entry entry = {
        .offset = libdw->dwarf_dieoffset(die), .kind = kind, .size = size, .line = line};
    return index_builder_add(&scan->builder, summary.name, entry, err);
}

static void show(struct scan *scan, Dwarf_Off at)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!scan->on_terminal || now.tv_sec - scan->start.tv_sec < 2)
        return;
    scan->shown = true;
    fprintf(stderr, "\rmpykdump: reading the DWARF of %.64s: %" PRIu64 " MB", scan->name, at >> 20);
    fflush(stderr);
}

// Between entries, now and then.
static bool look_around(struct scan *scan, Dwarf_Die *die, struct error *err)
{
    if (++scan->entries < ENTRIES_PER_LOOK)
        return true;
    scan->entries = 0;
    if (host_interrupted())
        return error_set(err, ERR_INTERRUPTED, "interrupted");
    show(scan, libdw->dwarf_dieoffset(die));
    return true;
}

static bool scan_unit(struct scan *scan, Dwarf_Die *unit, struct error *err)
{
    Dwarf_Die die;
    // Rust's names are its own: its u8 is not C's.
    if (die_number(unit, DW_AT_language, 0) == LANGUAGE_RUST)
        return true;
    for (bool more = die_child(unit, &die); more; more = die_sibling(&die, &die)) {
        enum index_kind kind = dwarf_scan_kind(libdw->dwarf_tag(&die));
        if ((kind != INDEX_KINDS && !scan_entry(scan, &die, kind, err)) ||
            !look_around(scan, &die, err))
            return false;
    }
    return true;
}

static bool scan_units(struct scan *scan, struct error *err)
{
    Dwarf *dwarf = scan->file->dwarf;
    Dwarf_Off next;
    size_t header_size;
    for (Dwarf_Off at = 0; libdw->dwarf_next_unit(dwarf, at, &next, &header_size, NULL, NULL, NULL,
                                                  NULL, NULL, NULL) == 0 &&
                           next > at;
         at = next) {
        Dwarf_Die unit;
        if (libdw->dwarf_offdie(dwarf, at + header_size, &unit) && !scan_unit(scan, &unit, err))
            return false;
    }
    return true;
}

bool dwarf_scan(struct dwarf_file *file, const char *path, struct dwarf_index *index,
                struct error *err)
{
    const char *slash = strrchr(path, '/');
    struct recent *recent AUTO_FREE = calloc(RECENT, sizeof(*recent));
    struct scan scan = {
        .file = file,
        .name = slash ? slash + 1 : path,
        .recent = recent,
        .on_terminal = isatty(STDERR_FILENO) == 1,
    };
    clock_gettime(CLOCK_MONOTONIC, &scan.start);
    if (!recent)
        return error_set_no_memory(err);
    if (!index_builder_init(&scan.builder, err))
        return false;
    bool ok =
        scan_units(&scan, err) && index_builder_finish(&scan.builder, &file->identity, index, err);
    index_builder_free(&scan.builder);
    if (scan.shown)
        fprintf(stderr, "\r\033[K");
    return ok;
}
