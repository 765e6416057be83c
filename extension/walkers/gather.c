// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/gather.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "memory/cache.h"
#include "walkers/walk.h"

enum { MAX_ITEM_SIZE = 1 << 20 };
static const uint64_t MAX_COLUMN_SIZE = UINT64_C(16) << 30;

static bool no_value(const struct path *path, struct error *err)
{
    char text[256];
    type_format(path->type, text, sizeof(text));
    return error_set(err, ERR_TYPE, "a %s has no value to read", text);
}

// How a value that is no array is kept. False when it has none.
static bool scalar_init(struct column *column, const struct type *type)
{
    bool is_word = type->size && type->size <= 8 && !(type->size & (type->size - 1));
    column->element_size = (uint32_t)type->size;
    switch (type->kind) {
    case TYPE_INT:
    case TYPE_ENUM:
        if (!is_word)
            column->kind = COLUMN_BYTES;
        else
            column->kind = type->is_signed ? COLUMN_SIGNED : COLUMN_UNSIGNED;
        return type->size > 0 && type->size <= 64;
    case TYPE_POINTER:
        column->kind = COLUMN_UNSIGNED;
        return type->size == sizeof(uint64_t);
    case TYPE_BOOL:
        column->kind = COLUMN_BOOL;
        return type->size == 1;
    case TYPE_FLOAT:
        column->kind = COLUMN_FLOAT;
        return type->size == 4 || type->size == 8;
    case TYPE_STRUCT:
    case TYPE_UNION:
        column->kind = COLUMN_ADDRESS;
        column->element_size = sizeof(uint64_t);
        return true;
    case TYPE_ARRAY:
    case TYPE_VOID:
    case TYPE_FUNCTION:
    case TYPE_TYPEDEF:
        break;
    }
    return false;
}

// The innermost element of an array of any dimensions, and how many of them there are.
static const struct type *elements_of(const struct type *type, uint64_t *count)
{
    *count = 1;
    for (int i = 0; i < WALK_MAX_DEPTH && type->kind == TYPE_ARRAY; i++) {
        if (__builtin_mul_overflow(*count, type->length, count))
            *count = UINT64_MAX;
        type = type_resolve(type_target(type));
    }
    return type;
}

static bool array_init(struct column *column, const struct type *type)
{
    uint64_t count;
    const struct type *element = elements_of(type, &count);
    if (!scalar_init(column, element))
        return false;
    if (!count || column->kind == COLUMN_ADDRESS) {
        // Of unknown length, or of structs: where it begins is all there is to say.
        column->kind = COLUMN_ADDRESS;
        column->element_size = sizeof(uint64_t);
        return true;
    }
    if (count > MAX_ITEM_SIZE / column->element_size)
        return false;
    if (type_is_char(element))
        column->kind = COLUMN_TEXT;
    if (column->kind == COLUMN_TEXT || column->kind == COLUMN_BYTES)
        column->element_size *= (uint32_t)count;
    else
        column->elements = (uint32_t)count;
    return true;
}

bool column_init(struct column *column, const struct type *root, const char *path, size_t length,
                 struct error *err)
{
    *column = (struct column){0};
    if (!path_compile(root, path, length, &column->path, err))
        return false;
    const struct type *type = type_resolve(column->path.type);
    bool ok = type->kind == TYPE_ARRAY ? array_init(column, type) : scalar_init(column, type);
    uint32_t bits = column->path.bit_size;
    if (!ok || bits > 64 || (bits && (column->kind > COLUMN_BOOL || column->elements)))
        return no_value(&column->path, err);
    column->item_size = column->element_size * (column->elements ? column->elements : 1);
    return true;
}

void column_take_array(struct column *column, uint64_t *items, size_t count)
{
    *column = (struct column){
        .kind = COLUMN_UNSIGNED,
        .element_size = sizeof(*items),
        .item_size = sizeof(*items),
        .count = count,
        .items = (uint8_t *)items,
    };
}

static bool read_bits(const struct column *column, uint64_t address, uint8_t *item,
                      struct error *err)
{
    uint8_t bytes[16] = {0};
    unsigned __int128 word;
    uint32_t size = column->path.bit_size;
    if (!cache_read(address, bytes, (column->path.bit_shift + size + 7u) / 8u, err))
        return false;
    memcpy(&word, bytes, sizeof(word));
    uint64_t value = (uint64_t)(word >> column->path.bit_shift) << (64 - size);
    value = column->kind == COLUMN_SIGNED ? (uint64_t)((int64_t)value >> (64 - size))
                                          : value >> (64 - size);
    memcpy(item, &value, column->item_size);
    return true;
}

// Copies from memory; the common sizes without a call.
static bool read_item(const struct column *column, uint64_t address, uint8_t *item,
                      struct error *err)
{
    const void *bytes = cache_peek(address, column->item_size);
    if (!bytes)
        return cache_read(address, item, column->item_size, err);
    if (column->item_size == 8)
        memcpy(item, bytes, 8);
    else if (column->item_size == 4)
        memcpy(item, bytes, 4);
    else
        memcpy(item, bytes, column->item_size);
    return true;
}

static bool read_value(const struct column *column, uint64_t address, uint8_t *item,
                       struct error *err)
{
    const struct path *path = &column->path;
    for (size_t i = 0; i < path->follows; i++) {
        if (!cache_read_word(address + path->offsets[i], sizeof(address), &address, err))
            return false;
        if (!address)
            return error_set(err, ERR_NULL, "NULL pointer");
    }
    address += path->offset;
    if (column->kind == COLUMN_ADDRESS) {
        memcpy(item, &address, sizeof(address));
        return true;
    }
    if (path->bit_size)
        return read_bits(column, address, item, err);
    if (!read_item(column, address, item, err))
        return false;
    // A byte that is neither 0 nor 1 would be a bool that is neither true nor false.
    for (size_t i = 0; column->kind == COLUMN_BOOL && i < column->item_size; i++)
        item[i] = item[i] != 0;
    return true;
}

static void fault_count(struct column *column, size_t row, const struct error *err)
{
    size_t i = 0;
    while (i < column->fault_kinds && column->faults[i].code != err->code)
        i++;
    // All kinds fit; should there be one more some day, it joins the last.
    if (i == COLUMN_MAX_REASONS)
        i--;
    if (i == column->fault_kinds) {
        struct column_fault *fault = &column->faults[column->fault_kinds++];
        *fault = (struct column_fault){.code = err->code, .row = row};
        fault->address = err->code == ERR_NULL ? 0 : err->address;
        snprintf(fault->message, sizeof(fault->message), "%.127s", err->message);
    }
    column->faults[i].count++;
}

// Masks a row. False when the error is no reason to go on.
static bool row_mask(struct column *column, size_t row, struct error *err)
{
    if (err->code != ERR_NULL && !error_is_fault(err->code))
        return false;
    if (!column->valid) {
        column->valid = malloc(column->count);
        if (!column->valid)
            return error_set_no_memory(err);
        memset(column->valid, 1, column->count);
    }
    column->valid[row] = 0;
    memset(column->items + row * column->item_size, 0, column->item_size);
    fault_count(column, row, err);
    return true;
}

static bool columns_allocate(struct column *columns, size_t column_count, size_t count,
                             struct error *err)
{
    for (size_t i = 0; i < column_count; i++) {
        uint64_t size;
        if (__builtin_mul_overflow(count, columns[i].item_size, &size) || size > MAX_COLUMN_SIZE)
            return error_set(err, ERR_VALUE, "a column of %zu rows of %zu bytes is too large",
                             count, columns[i].item_size);
        columns[i].items = calloc(count ? count : 1, columns[i].item_size);
        if (!columns[i].items)
            return error_set_no_memory(err);
        columns[i].count = count;
    }
    return true;
}

bool columns_gather(struct column *columns, size_t column_count, const uint64_t *addresses,
                    size_t count, struct error *err)
{
    if (!columns_allocate(columns, column_count, count, err))
        return false;
    for (size_t row = 0; row < count; row++) {
        // Row by row, since the values of a struct are in the same pages.
        for (size_t i = 0; i < column_count; i++) {
            struct column *column = &columns[i];
            bool ok = addresses[row] ? read_value(column, addresses[row],
                                                  column->items + row * column->item_size, err)
                                     : error_set(err, ERR_NULL, "NULL pointer");
            if (!ok && !row_mask(column, row, err))
                return false;
        }
        if (row % WALK_INTERRUPT_INTERVAL == WALK_INTERRUPT_INTERVAL - 1 && host_interrupted())
            return error_set(err, ERR_INTERRUPTED, "interrupted");
    }
    return true;
}

size_t column_missing(const struct column *column)
{
    size_t count = 0;
    for (size_t i = 0; i < column->fault_kinds; i++)
        count += column->faults[i].count;
    return count;
}

void column_release(struct column *column)
{
    free(column->items);
    free(column->valid);
    *column = (struct column){0};
}
