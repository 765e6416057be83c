// SPDX-License-Identifier: GPL-3.0-or-later
#include "symbols/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "base/names.h"

// More than any kernel has; a damaged table may claim more.
enum { MAX_SYMBOLS = 1 << 24 };

static struct {
    bool tried; // no second attempt at what failed, until something changes
    bool usable;
    uint64_t signature;
    struct host_symbol *items; // [0] is not used: an id of 0 ends a chain of names
    uint32_t count;            // with [0]
    uint32_t capacity;
    struct names names;
    uint32_t *by_address; // ids of what lies in the kernel's half of memory, ascending
    size_t address_count;
} table;

void symbols_reset(void)
{
    free(table.items);
    free(table.by_address);
    names_free(&table.names);
    memset(&table, 0, sizeof(table));
}

static bool append(const struct host_symbol *symbol, void *context)
{
    bool *complete = context;
    if (table.count >= table.capacity) {
        uint32_t capacity = table.capacity ? table.capacity * 2 : 1 << 16;
        struct host_symbol *items =
            capacity > MAX_SYMBOLS ? NULL : reallocarray(table.items, capacity, sizeof(*items));
        if (!items) {
            *complete = false;
            return false;
        }
        table.items = items;
        table.capacity = capacity;
    }
    table.items[table.count++] = *symbol;
    return true;
}

// Per-CPU symbols are offsets, on x86-64 from zero: no address is one of them.
static bool has_address(const struct host_symbol *symbol)
{
    return symbol->address >> 63;
}

// By address; of those at one address the first in the host's order is before the others.
static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    uint64_t at_a = table.items[a].address;
    uint64_t at_b = table.items[b].address;
    if (at_a != at_b)
        return at_a < at_b ? -1 : 1;
    return a < b ? -1 : 1;
}

static bool index_build(void)
{
    bool complete = true;
    struct host_symbol none = {.name = ""};
    append(&none, &complete);
    if (!host_symbols_each(append, &complete) || !complete)
        return false;
    table.by_address = calloc(table.count, sizeof(*table.by_address));
    if (!table.by_address || !names_init(&table.names, table.count))
        return false;
    bool ascending = true;
    for (uint32_t id = 1; id < table.count; id++) {
        if (!has_address(&table.items[id]))
            continue;
        if (table.address_count && table.items[table.by_address[table.address_count - 1]].address >
                                       table.items[id].address)
            ascending = false;
        table.by_address[table.address_count++] = id;
    }
    if (!ascending)
        qsort(table.by_address, table.address_count, sizeof(*table.by_address), compare);
    for (uint32_t id = table.count - 1; id; id--)
        names_add(&table.names, table.items[id].name, id);
    return true;
}

static bool usable(void)
{
    if (!table.tried) {
        struct host_info info;
        host_info_get(&info);
        bool built = !info.live && index_build();
        if (!built)
            symbols_reset();
        table.tried = true;
        table.usable = built;
        table.signature = host_symbols_signature();
    }
    return table.usable;
}

void symbols_refresh(void)
{
    if (table.tried && table.signature != host_symbols_signature())
        symbols_reset();
}

// The next id of the name from `id` on, 0 if there is none.
static uint32_t named(const char *name, uint32_t id)
{
    while (id && strcmp(table.items[id].name, name) != 0)
        id = names_next(&table.names, id);
    return id;
}

static bool find(const char *name, struct host_symbol *symbol)
{
    if (!usable())
        return host_symbol_find(name, symbol);
    uint32_t id = named(name, names_first(&table.names, name));
    if (id)
        *symbol = table.items[id];
    return id != 0;
}

static __attribute__((noinline)) bool find_told(const char *name, struct host_symbol *symbol)
{
    struct message message = {.kind = MESSAGE_SYMBOL, .text = name};
    message_send(&message);
    bool found = find(name, symbol);
    message.number = found ? symbol->address : 0;
    return message_receive(&message, found, NULL);
}

bool symbols_find(const char *name, struct host_symbol *symbol)
{
    return message_is_watched(MESSAGE_SYMBOL) ? find_told(name, symbol) : find(name, symbol);
}

static bool find_all(const char *name, struct array *addresses)
{
    struct host_symbol symbol;
    if (!usable())
        return !host_symbol_find(name, &symbol) || array_append(addresses, symbol.address);
    for (uint32_t id = named(name, names_first(&table.names, name)); id;
         id = named(name, names_next(&table.names, id))) {
        bool known = false;
        for (size_t i = 0; i < addresses->count; i++)
            known |= addresses->items[i] == table.items[id].address;
        if (!known && !array_append(addresses, table.items[id].address))
            return false;
    }
    return true;
}

bool symbols_find_all(const char *name, struct array *addresses)
{
    struct message message = {.kind = MESSAGE_SYMBOL, .text = name};
    message_send(&message);
    bool ok = find_all(name, addresses);
    message.number = addresses->count ? addresses->items[0] : 0;
    message_receive(&message, addresses->count > 0, NULL);
    return ok;
}

static bool find_at(uint64_t address, struct host_symbol *symbol, uint64_t *offset)
{
    if (!usable())
        return host_symbol_at(address, symbol, offset);
    // The first that lies beyond the address; the one before it is at or below.
    size_t low = 0;
    size_t high = table.address_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table.items[table.by_address[middle]].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || low == table.address_count)
        return host_symbol_at(address, symbol, offset);
    size_t found = low - 1;
    uint64_t at = table.items[table.by_address[found]].address;
    // Of several at one address crash names the first for just that address, and the last for what
    // follows it; people compare with its output.
    while (at == address && found && table.items[table.by_address[found - 1]].address == at)
        found--;
    *symbol = table.items[table.by_address[found]];
    *offset = address - at;
    return true;
}

bool symbols_at(uint64_t address, struct host_symbol *symbol, uint64_t *offset)
{
    struct message message = {.kind = MESSAGE_SYMBOL, .address = address};
    message_send(&message);
    bool found = find_at(address, symbol, offset);
    message.name = found ? symbol->name : NULL;
    message.number = found ? *offset : 0;
    return message_receive(&message, found, NULL);
}

bool symbols_each(host_symbol_visitor visit, void *context)
{
    if (!usable())
        return host_symbols_each(visit, context);
    for (uint32_t id = 1; id < table.count && visit(&table.items[id], context); id++)
        ;
    return true;
}
