// SPDX-License-Identifier: GPL-3.0-or-later
#include "stacks/orc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "host/host.h"
#include "memory/cache.h"
#include "symbols/symbols.h"
#include "types/path.h"
#include "types/types.h"
#include "walkers/list.h"

enum {
    MAX_ROWS = 1 << 24, // of one table: more than any kernel has
    MAX_MODULES = 1 << 14,
    ENTRY_BYTES = 8, // a struct orc_entry has 6
};

// Addresses that are in order, each 4 bytes relative to its own place, and a row for each.
struct table {
    uint64_t start; // of the text that it describes
    uint64_t end;
    uint64_t addresses;
    uint64_t rows;
    uint64_t count;
};

// Where the parts of a struct orc_entry are.
struct form {
    struct path_field fields[5]; // sp_offset, bp_offset, sp_reg, bp_reg, type
    struct path_field end;
    struct path_field signal;
    bool has_end; // before 6.4 (fb799447ae29); types are numbered otherwise since
    bool has_signal;
    bool adds_first; // the offset of ORC_REG_SP_INDIRECT, before 5.12
    uint64_t size;
};

struct tables {
    struct table *items; // the kernel's, then those of modules
    size_t count;
};

static struct {
    bool loaded;
    struct form form;
    struct tables tables;
    struct map known; // address -> packed row
} orc;

// 5.12 changed what ORC_REG_SP_INDIRECT means (87ccc826bf1c), for the switch to the IRQ stack that
// came with it and has this flag, by itself or in struct pcpu_hot.
static bool form_adds_first(void)
{
    struct host_symbol symbol;
    return !symbols_find("hardirq_stack_inuse", &symbol) && !symbols_find("pcpu_hot", &symbol);
}

// Is it within a row's bytes, in whole or as bits of 16?
static bool field_fits(const struct path_field *field, uint64_t size)
{
    return field->offset < size && field->offset + sizeof(uint16_t) <= ENTRY_BYTES &&
           field->bit_size < 16 && field->bit_shift + field->bit_size <= 16;
}

static bool form_find(struct form *form, struct error *err)
{
    *form = (struct form){
        .fields = {{.name = "sp_offset"},
                   {.name = "bp_offset"},
                   {.name = "sp_reg"},
                   {.name = "bp_reg"},
                   {.name = "type"}},
        .end = {.name = "end"},
        .signal = {.name = "signal"},
    };
    const struct type *type = types_find("struct orc_entry", err);
    if (!type || !path_fields("struct orc_entry", form->fields, 5, err))
        return false;
    form->size = type->size;
    form->has_end = path_field_exists("struct orc_entry", &form->end);
    form->has_signal = path_field_exists("struct orc_entry", &form->signal);
    const struct path_field *each[] = {&form->fields[0], &form->fields[1], &form->fields[2],
                                       &form->fields[3], &form->fields[4], &form->end,
                                       &form->signal};
    for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
        if (form->size > ENTRY_BYTES || !field_fits(each[i], form->size))
            return error_set(err, ERR_TYPE, "struct orc_entry has an unknown form");
    }
    form->adds_first = form_adds_first();
    return true;
}

static uint16_t part(const uint8_t *entry, const struct path_field *field)
{
    uint16_t word;
    memcpy(&word, entry + field->offset, sizeof(word));
    if (!field->bit_size)
        return word;
    return (uint16_t)(word >> field->bit_shift & ((1u << field->bit_size) - 1));
}

static enum orc_kind kind_of(const struct form *form, const uint8_t *entry)
{
    static const enum orc_kind since_6_4[] = {ORC_UNDEFINED, ORC_END, ORC_CALL, ORC_REGS,
                                              ORC_REGS_PARTIAL};
    static const enum orc_kind before[] = {ORC_CALL, ORC_REGS, ORC_REGS_PARTIAL};
    uint16_t type = part(entry, &form->fields[4]);
    if (!form->has_end)
        return type < sizeof(since_6_4) / sizeof(*since_6_4) ? since_6_4[type] : ORC_UNDEFINED;
    // it says something of rows without a register only
    if (!part(entry, &form->fields[2]) && part(entry, &form->end))
        return ORC_END;
    return type < sizeof(before) / sizeof(*before) ? before[type] : ORC_UNDEFINED;
}

static struct orc_row row_of(const struct form *form, const uint8_t *entry)
{
    struct orc_row row = {
        .sp_offset = (int16_t)part(entry, &form->fields[0]),
        .bp_offset = (int16_t)part(entry, &form->fields[1]),
        .sp_register = (uint8_t)part(entry, &form->fields[2]),
        .bp_register = (uint8_t)part(entry, &form->fields[3]),
        .kind = kind_of(form, entry),
    };
    // 6.3 (ffb1b4a41016) says it of each row; it was of those with registers before
    row.exact = form->has_signal ? part(entry, &form->signal)
                                 : row.kind == ORC_REGS || row.kind == ORC_REGS_PARTIAL;
    if (form->adds_first && row.sp_register == ORC_REG_SP_INDIRECT)
        row.sp_register = ORC_REG_SP_THEN_INDIRECT;
    // before there was a type for it
    if (row.kind == ORC_CALL && row.sp_register == ORC_REG_UNDEFINED)
        row.kind = ORC_UNDEFINED;
    return row;
}

static void tables_clear(struct tables *tables)
{
    free(tables->items);
    *tables = (struct tables){0};
}

// What cannot be a table is left out.
static bool tables_add(struct tables *tables, const struct table *table, struct error *err)
{
    if (!table->count || table->count > MAX_ROWS || table->end <= table->start)
        return true;
    struct table *grown = realloc(tables->items, (tables->count + 1) * sizeof(*grown));
    if (!grown)
        return error_set_no_memory(err);
    tables->items = grown;
    tables->items[tables->count++] = *table;
    return true;
}

static bool kernel_table(struct table *table, struct error *err)
{
    struct host_symbol addresses;
    struct host_symbol addresses_end;
    struct host_symbol rows;
    struct host_symbol start;
    struct host_symbol end;
    if (!symbols_find("__start_orc_unwind_ip", &addresses) ||
        !symbols_find("__stop_orc_unwind_ip", &addresses_end) ||
        !symbols_find("__start_orc_unwind", &rows) || !symbols_find("_text", &start) ||
        !symbols_find("_end", &end))
        return error_set(err, ERR_SYMBOL, "this kernel has no ORC tables");
    *table = (struct table){
        .start = start.address,
        .end = end.address,
        .addresses = addresses.address,
        .rows = rows.address,
        .count = (addresses_end.address - addresses.address) / sizeof(int32_t),
    };
    return true;
}

// The members of a struct module that matter, in this order.
enum {
    MODULE_COUNT,
    MODULE_ADDRESSES,
    MODULE_ROWS,
    MODULE_BASE,
    MODULE_SIZE,
    MODULE_INIT_BASE, // of what is freed when the module is there
    MODULE_INIT_SIZE,
    MODULE_LIST,
    MODULE_FIELDS
};

static bool module_form(struct path_field fields[MODULE_FIELDS], struct error *err)
{
    // 6.4: ac3b43283923 ("module: replace module_layout with module_memory"); 4 is MOD_INIT_TEXT
    static const char *const memory[] = {"mem[0].base", "mem[0].size", "mem[4].base",
                                         "mem[4].size"};
    static const char *const before[] = {"core_layout.base", "core_layout.text_size",
                                         "init_layout.base", "init_layout.text_size"};
    fields[MODULE_COUNT].name = "arch.num_orcs";
    fields[MODULE_ADDRESSES].name = "arch.orc_unwind_ip";
    fields[MODULE_ROWS].name = "arch.orc_unwind";
    fields[MODULE_LIST].name = "list";
    fields[MODULE_BASE].name = memory[0];
    const char *const *names =
        path_field_exists("struct module", &fields[MODULE_BASE]) ? memory : before;
    for (int i = 0; i < 4; i++)
        fields[MODULE_BASE + i].name = names[i];
    return path_fields("struct module", fields, MODULE_FIELDS, err);
}

// The table of one module, for its text and for that of its beginning.
static bool module_add(struct tables *tables, uint64_t module, const struct path_field *fields,
                       struct error *err)
{
    uint64_t words[MODULE_LIST];
    for (int i = 0; i < MODULE_LIST; i++) {
        if (fields[i].size > sizeof(words[i]) ||
            !cache_read_word(module + fields[i].offset, fields[i].size, &words[i], NULL))
            return true;
    }
    for (int part = MODULE_BASE; part <= MODULE_INIT_BASE; part += 2) {
        struct table table = {.start = words[part],
                              .end = words[part] + words[part + 1],
                              .addresses = words[MODULE_ADDRESSES],
                              .rows = words[MODULE_ROWS],
                              .count = words[MODULE_COUNT]};
        if (!tables_add(tables, &table, err))
            return false;
    }
    return true;
}

// The tables of modules: what cannot be read is left out, its frames are guessed then.
static bool modules_add(struct tables *tables, struct error *err)
{
    struct host_symbol head;
    struct path_field fields[MODULE_FIELDS] = {0};
    struct array nodes SCOPED(array_clear) = {0};
    struct walk_report report = {0};
    struct error unknown;
    if (!symbols_find("modules", &head) || !module_form(fields, &unknown))
        return true;
    struct list_walk walk = {.head = head.address, .limit = MAX_MODULES, .circular = true};
    if (list_collect(&walk, &nodes, &report) == WALK_END_ERROR &&
        (report.error.code == ERR_INTERRUPTED || report.error.code == ERR_NO_MEMORY)) {
        *err = report.error;
        return false;
    }
    for (size_t i = 0; i < nodes.count; i++) {
        if (!module_add(tables, nodes.items[i] - fields[MODULE_LIST].offset, fields, err))
            return false;
    }
    return true;
}

static bool load(struct error *err)
{
    struct table kernel;
    struct form form;
    // its own until it is whole: an interrupted walk may come back here
    struct tables tables SCOPED(tables_clear) = {0};
    if (orc.loaded)
        return true;
    if (!kernel_table(&kernel, err) || !form_find(&form, err) ||
        !tables_add(&tables, &kernel, err) || !modules_add(&tables, err))
        return false;
    // What was left out because somebody objects is not to be missed for ever.
    if (host_interrupted())
        return error_set(err, ERR_INTERRUPTED, "interrupted");
    orc_forget();
    orc.form = form;
    orc.tables = tables;
    orc.loaded = true;
    tables = (struct tables){0};
    return true;
}

// The text address of a row.
static bool address_of(const struct table *table, uint64_t index, uint64_t *address,
                       struct error *err)
{
    uint64_t at = table->addresses + index * sizeof(int32_t);
    uint64_t word;
    if (!cache_read_word(at, sizeof(int32_t), &word, err))
        return false;
    *address = at + (uint64_t)(int64_t)(int32_t)word;
    return true;
}

// The last row at or below an address.
static bool table_search(const struct table *table, uint64_t address, struct orc_row *row,
                         struct error *err)
{
    uint64_t low = 0;
    uint64_t high = table->count;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        uint64_t at;
        if (!address_of(table, middle, &at, err))
            return false;
        if (at <= address)
            low = middle;
        else
            high = middle;
    }
    uint8_t entry[ENTRY_BYTES] = {0};
    if (!cache_read(table->rows + low * orc.form.size, entry, orc.form.size, err))
        return false;
    *row = row_of(&orc.form, entry);
    return true;
}

// A row as the value of a map: never NULL.
static void *pack(const struct orc_row *row)
{
    return (void *)((uint64_t)(uint16_t)row->sp_offset << 48 |
                    (uint64_t)(uint16_t)row->bp_offset << 32 | (uint64_t)row->sp_register << 24 |
                    (uint64_t)row->bp_register << 16 | (uint64_t)row->kind << 8 |
                    (uint64_t)row->exact << 1 | 1);
}

static struct orc_row unpack(const void *packed)
{
    uint64_t word = (uint64_t)packed;
    return (struct orc_row){
        .sp_offset = (int16_t)(word >> 48),
        .bp_offset = (int16_t)(word >> 32),
        .sp_register = (uint8_t)(word >> 24),
        .bp_register = (uint8_t)(word >> 16),
        .kind = (enum orc_kind)(word >> 8 & 0xff),
        .exact = word >> 1 & 1,
    };
}

bool orc_find(uint64_t address, struct orc_row *row, struct error *err)
{
    void *packed = map_get(&orc.known, address);
    if (packed) {
        *row = unpack(packed);
        return true;
    }
    if (!load(err))
        return false;
    for (size_t i = 0; i < orc.tables.count; i++) {
        // a copy: who is told of what is read may forget the tables
        struct table table = orc.tables.items[i];
        if (address < table.start || address >= table.end)
            continue;
        if (!table_search(&table, address, row, err))
            return false;
        // without it the next search is as long as this one
        if (cache_is_on())
            map_put(&orc.known, address, pack(row));
        return true;
    }
    return error_set_at(err, ERR_VALUE, address, "0x%" PRIx64 " is in no ORC table", address);
}

void orc_forget(void)
{
    map_clear(&orc.known);
    tables_clear(&orc.tables);
    orc.loaded = false;
}
