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
    uint64_t size;
};

static struct {
    bool loaded;
    struct form form;
    struct table *tables; // the kernel's, then those of modules
    size_t count;
    struct map known; // address -> packed row
} orc;

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
        if (form->size > ENTRY_BYTES || each[i]->offset + 2 > ENTRY_BYTES)
            return error_set(err, ERR_TYPE, "struct orc_entry has an unknown form");
    }
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
    if (part(entry, &form->end))
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
    // before there was a type for it
    if (row.kind == ORC_CALL && row.sp_register == ORC_REG_UNDEFINED)
        row.kind = ORC_UNDEFINED;
    return row;
}

static bool table_add(struct table *table)
{
    if (!table->count || table->count > MAX_ROWS || table->end <= table->start)
        return true;
    struct table *grown = realloc(orc.tables, (orc.count + 1) * sizeof(*grown));
    if (!grown)
        return false;
    orc.tables = grown;
    orc.tables[orc.count++] = *table;
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
enum { MODULE_COUNT, MODULE_ADDRESSES, MODULE_ROWS, MODULE_LIST, MODULE_BASE, MODULE_SIZE };

static bool module_form(struct path_field fields[6], struct error *err)
{
    const struct path_field both[] = {{.name = "arch.num_orcs"},
                                      {.name = "arch.orc_unwind_ip"},
                                      {.name = "arch.orc_unwind"},
                                      {.name = "list"}};
    memcpy(fields, both, sizeof(both));
    // 6.4: ac3b43283923 ("module: replace module_layout with module_memory")
    fields[MODULE_BASE] = (struct path_field){.name = "mem[0].base"};
    fields[MODULE_SIZE] = (struct path_field){.name = "mem[0].size"};
    if (!path_field_exists("struct module", &fields[MODULE_BASE])) {
        fields[MODULE_BASE] = (struct path_field){.name = "core_layout.base"};
        fields[MODULE_SIZE] = (struct path_field){.name = "core_layout.text_size"};
    }
    return path_fields("struct module", fields, 6, err);
}

// The tables of modules: what cannot be read is left out, its frames are guessed then.
static bool module_tables(struct error *err)
{
    struct host_symbol head;
    struct path_field fields[6];
    struct array nodes SCOPED(array_clear) = {0};
    struct walk_report report = {0};
    if (!symbols_find("modules", &head))
        return true;
    if (!module_form(fields, err))
        return err->code != ERR_INTERRUPTED;
    struct list_walk walk = {.head = head.address, .limit = MAX_MODULES, .circular = true};
    if (list_collect(&walk, &nodes, &report) == WALK_END_ERROR &&
        (report.error.code == ERR_INTERRUPTED || report.error.code == ERR_NO_MEMORY)) {
        *err = report.error;
        return false;
    }
    for (size_t i = 0; i < nodes.count; i++) {
        uint64_t module = nodes.items[i] - fields[MODULE_LIST].offset;
        uint64_t words[6];
        bool whole = true;
        for (int member = 0; whole && member < 6; member++)
            whole = member == MODULE_LIST ||
                    (fields[member].size <= sizeof(words[member]) &&
                     cache_read_word(module + fields[member].offset, fields[member].size,
                                     &words[member], NULL));
        if (!whole)
            continue;
        struct table table = {.start = words[MODULE_BASE],
                              .end = words[MODULE_BASE] + words[MODULE_SIZE],
                              .addresses = words[MODULE_ADDRESSES],
                              .rows = words[MODULE_ROWS],
                              .count = words[MODULE_COUNT]};
        if (!table_add(&table))
            return error_set_no_memory(err);
    }
    return true;
}

static bool load(struct error *err)
{
    struct table kernel;
    if (orc.loaded)
        return true;
    if (!kernel_table(&kernel, err) || !form_find(&orc.form, err))
        return false;
    if (!table_add(&kernel))
        return error_set_no_memory(err);
    // What was left out because somebody objects is not to be missed for ever.
    bool ok = module_tables(err);
    if (ok && host_interrupted())
        ok = error_set(err, ERR_INTERRUPTED, "interrupted");
    if (!ok) {
        orc_forget();
        return false;
    }
    orc.loaded = true;
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
    for (size_t i = 0; i < orc.count; i++) {
        const struct table *table = &orc.tables[i];
        if (address < table->start || address >= table->end)
            continue;
        if (!table_search(table, address, row, err))
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
    free(orc.tables);
    orc.tables = NULL;
    orc.count = 0;
    orc.loaded = false;
}
