// SPDX-License-Identifier: GPL-3.0-or-later
// The image's symbols and modules.
#include <stdlib.h>
#include <string.h>

#include "host_image/image.h"

struct range {
    char *name;
    uint64_t address;
    uint64_t size;
    char type;
};

struct ranges {
    struct range items[IMAGE_MAX];
    size_t count;
};

static struct ranges symbols;
static struct ranges modules;
static uint64_t signature;

static bool range_add(struct ranges *ranges, const char *name, uint64_t address, uint64_t size,
                      char type, struct error *err)
{
    if (ranges->count == IMAGE_MAX)
        return error_set(err, ERR_VALUE, "more than %d symbols or modules", IMAGE_MAX);
    char *copy = strdup(name);
    if (!copy)
        return error_set_no_memory(err);
    ranges->items[ranges->count++] =
        (struct range){.name = copy, .address = address, .size = size, .type = type};
    signature++;
    return true;
}

static const struct range *range_at(const struct ranges *ranges, uint64_t address)
{
    for (size_t i = 0; i < ranges->count; i++) {
        if (address - ranges->items[i].address < ranges->items[i].size)
            return &ranges->items[i];
    }
    return NULL;
}

static void ranges_clear(struct ranges *ranges)
{
    for (size_t i = 0; i < ranges->count; i++)
        free(ranges->items[i].name);
    ranges->count = 0;
}

static void deliver(const struct range *range, struct host_symbol *symbol)
{
    *symbol =
        (struct host_symbol){.name = range->name, .address = range->address, .type = range->type};
}

bool image_symbol_add(const char *name, uint64_t address, uint64_t size, char type,
                      struct error *err)
{
    return range_add(&symbols, name, address, size, type, err);
}

bool image_module_add(const char *name, uint64_t address, uint64_t size, struct error *err)
{
    return range_add(&modules, name, address, size, 0, err);
}

bool host_symbol_find(const char *name, struct host_symbol *symbol)
{
    for (size_t i = 0; i < symbols.count; i++) {
        if (!strcmp(symbols.items[i].name, name)) {
            deliver(&symbols.items[i], symbol);
            return true;
        }
    }
    return false;
}

bool host_symbol_at(uint64_t address, struct host_symbol *symbol, uint64_t *offset)
{
    const struct range *range = range_at(&symbols, address);
    if (!range)
        return false;
    deliver(range, symbol);
    *offset = address - range->address;
    return true;
}

bool host_symbols_each(host_symbol_visitor visit, void *context)
{
    for (size_t i = 0; i < symbols.count; i++) {
        struct host_symbol symbol;
        deliver(&symbols.items[i], &symbol);
        if (!visit(&symbol, context))
            break;
    }
    return true;
}

uint64_t host_symbols_signature(void)
{
    return signature;
}

const char *host_module_file(const char *name)
{
    return NULL;
}

const char *host_module_at(uint64_t address)
{
    const struct range *range = range_at(&modules, address);
    return range ? range->name : NULL;
}

void image_symbols_reset(void)
{
    ranges_clear(&symbols);
    ranges_clear(&modules);
    signature++;
}
