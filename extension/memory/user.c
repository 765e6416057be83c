// SPDX-License-Identifier: GPL-3.0-or-later
#include "memory/user.h"

#include <inttypes.h>
#include <string.h>

#include "base/map.h"
#include "base/message.h"
#include "host/host.h"
#include "memory/cache.h"

enum { TRANSLATIONS = 1024 }; // a power of two

static struct translation {
    uint64_t task; // 0: free
    uint64_t page;
    uint64_t physical;
} translations[TRANSLATIONS];

void user_forget(void)
{
    memset(translations, 0, sizeof(translations));
}

bool user_translate(uint64_t task, uint64_t address, uint64_t *physical, struct error *err)
{
    struct message message = {
        .kind = MESSAGE_TRANSLATE, .what = "uvtop", .address = address, .argument = task};
    message_send(&message);
    bool ok = host_translate(task, address, physical, err);
    message.number = ok ? *physical : 0;
    return message_receive(&message, ok, err);
}

static bool translate(uint64_t task, uint64_t page, uint64_t *physical, struct error *err)
{
    struct translation *entry =
        &translations[map_hash(task ^ (page / HOST_PAGE_SIZE)) & (TRANSLATIONS - 1)];
    struct host_info info;
    if (entry->task == task && entry->page == page) {
        *physical = entry->physical;
        return true;
    }
    if (!user_translate(task, page, physical, err))
        return false;
    host_info_get(&info);
    if (!info.live)
        *entry = (struct translation){.task = task, .page = page, .physical = *physical};
    return true;
}

bool user_read(uint64_t task, uint64_t address, void *buffer, size_t size, struct error *err)
{
    uint8_t *next = buffer;
    if (size && address + (size - 1) < address)
        return error_set_at(err, ERR_FAULT, address,
                            "user address 0x%" PRIx64 " and %zu bytes: beyond the end of memory",
                            address, size);
    while (size) {
        uint64_t offset = address % HOST_PAGE_SIZE;
        size_t piece = HOST_PAGE_SIZE - offset;
        uint64_t physical;
        if (piece > size)
            piece = size;
        if (!translate(task, address - offset, &physical, err) ||
            !memory_read(HOST_PHYSICAL, physical + offset, next, piece, err))
            return false;
        next += piece;
        address += piece;
        size -= piece;
    }
    return true;
}
