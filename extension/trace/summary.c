// SPDX-License-Identifier: GPL-3.0-or-later
#include "trace/summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

// Places come from programs, which may make up new ones for ever.
enum { MAX_ROWS = 1 << 16 };

static struct {
    struct summary_row *rows;
    size_t count;
    size_t capacity;
    struct map places; // hash of kind and place -> number of the row + 1
} summary;

static uint64_t hash(enum message_kind kind, const char *place)
{
    uint64_t value = 0xcbf29ce484222325 ^ (uint64_t)kind;
    for (; *place; place++)
        value = (value ^ (uint8_t)*place) * 0x100000001b3;
    return value ? value : 1;
}

static struct summary_row *row_new(enum message_kind kind, const char *place, uint64_t key)
{
    if (summary.count == summary.capacity) {
        size_t capacity = summary.capacity ? summary.capacity * 2 : 64;
        struct summary_row *rows = reallocarray(summary.rows, capacity, sizeof(*rows));
        if (!rows)
            return NULL;
        summary.rows = rows;
        summary.capacity = capacity;
    }
    char *copy = strdup(place);
    if (!copy || !map_put(&summary.places, key, (void *)(uintptr_t)(summary.count + 1))) {
        free(copy);
        return NULL;
    }
    struct summary_row *row = &summary.rows[summary.count++];
    *row = (struct summary_row){.kind = kind, .place = copy};
    return row;
}

static struct summary_row *row_of(enum message_kind kind, const char *place)
{
    uint64_t key = hash(kind, place);
    for (uintptr_t number; (number = (uintptr_t)map_get(&summary.places, key));) {
        struct summary_row *row = &summary.rows[number - 1];
        if (row->kind == kind && !strcmp(row->place, place))
            return row;
        key = key + 1 ? key + 1 : 1;
    }
    return summary.count < MAX_ROWS ? row_new(kind, place, key) : NULL;
}

void summary_add(const struct message *message, const char *place)
{
    struct summary_row *row = row_of(message->kind, place);
    if (!row)
        return;
    bool has_bytes = message->kind == MESSAGE_READ || message->kind == MESSAGE_COMMAND ||
                     message->kind == MESSAGE_GDB;
    row->count++;
    row->bytes += message->ok && has_bytes ? message->number : 0;
    row->nanoseconds += message->nanoseconds;
}

const struct summary_row *summary_rows(size_t *count)
{
    *count = summary.count;
    return summary.rows;
}

void summary_clear(void)
{
    for (size_t i = 0; i < summary.count; i++)
        free(summary.rows[i].place);
    free(summary.rows);
    map_clear(&summary.places);
    memset(&summary, 0, sizeof(summary));
}
