// SPDX-License-Identifier: GPL-3.0-or-later
// The image's memory: regions of bytes, kernel and physical, and translations of user pages.
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "host_image/image.h"

struct region {
    enum host_space space;
    uint64_t address;
    size_t size;
    uint8_t *bytes;
};

struct hole {
    uint64_t address;
    size_t size;
    enum error_code reason;
};

struct translation {
    uint64_t task;
    uint64_t page;
    uint64_t physical;
};

enum { SIZE_OF_STRUCT_PAGE = 64 };

static struct region regions[IMAGE_MAX];
static size_t region_count;
static struct hole holes[IMAGE_MAX];
static size_t hole_count;
static struct translation translations[IMAGE_MAX];
static size_t translation_count;
static struct host_range ranges[HOST_MAX_RANGES];
static size_t range_count;
static uint64_t read_count;
static uint64_t interrupt_at;

// The region that holds an address, or NULL.
static struct region *region_at(enum host_space space, uint64_t address)
{
    for (size_t i = 0; i < region_count; i++) {
        if (regions[i].space == space && address - regions[i].address < regions[i].size)
            return &regions[i];
    }
    return NULL;
}

bool image_region_add(enum host_space space, uint64_t address, const void *bytes, size_t size,
                      struct error *err)
{
    if (!size || address + (size - 1) < address)
        return error_set(err, ERR_VALUE, "a region of %zu bytes at 0x%" PRIx64, size, address);
    if (region_count == IMAGE_MAX)
        return error_set(err, ERR_VALUE, "more than %d regions", IMAGE_MAX);
    // Exactly as large as the region: a sanitizer sees what reads beyond it.
    uint8_t *copy = malloc(size);
    if (!copy)
        return error_set_no_memory(err);
    memcpy(copy, bytes, size);
    regions[region_count++] =
        (struct region){.space = space, .address = address, .size = size, .bytes = copy};
    return true;
}

bool image_hole_add(uint64_t address, size_t size, enum error_code reason, struct error *err)
{
    if (hole_count == IMAGE_MAX || (reason != ERR_EXCLUDED && reason != ERR_ABSENT))
        return error_set(err, ERR_VALUE, "no such hole");
    holes[hole_count++] = (struct hole){.address = address, .size = size, .reason = reason};
    return true;
}

static enum error_code reason_at(uint64_t address)
{
    for (size_t i = 0; i < hole_count; i++) {
        if (address - holes[i].address < holes[i].size)
            return holes[i].reason;
    }
    return ERR_UNMAPPED;
}

// Copies from or to the regions; one byte outside of them fails the whole.
static bool transfer(enum host_space space, uint64_t address, void *out, const void *in,
                     size_t size)
{
    for (size_t done = 0, piece; done < size; done += piece) {
        struct region *region = region_at(space, address + done);
        if (!region)
            return false;
        size_t offset = address + done - region->address;
        piece = region->size - offset < size - done ? region->size - offset : size - done;
        if (in)
            memcpy(region->bytes + offset, (const uint8_t *)in + done, piece);
        else
            memcpy((uint8_t *)out + done, region->bytes + offset, piece);
    }
    return true;
}

bool image_memory_write(enum host_space space, uint64_t address, const void *bytes, size_t size,
                        struct error *err)
{
    return transfer(space, address, NULL, bytes, size) ||
           error_set_at(err, ERR_FAULT, address, "no memory at 0x%" PRIx64, address);
}

bool image_range_add(const char *name, uint64_t start, uint64_t end, struct error *err)
{
    if (range_count == HOST_MAX_RANGES)
        return error_set(err, ERR_VALUE, "more than %d ranges", HOST_MAX_RANGES);
    char *copy = strdup(name);
    if (!copy)
        return error_set_no_memory(err);
    ranges[range_count++] = (struct host_range){.start = start, .end = end, .name = copy};
    return true;
}

size_t host_ranges(struct host_range out[HOST_MAX_RANGES])
{
    memcpy(out, ranges, range_count * sizeof(*ranges));
    return range_count;
}

uint64_t image_read_count(void)
{
    return read_count;
}

void image_interrupt_after(uint64_t reads)
{
    interrupt_at = reads ? read_count + reads : 0;
}

bool image_translation_add(uint64_t task, uint64_t address, uint64_t physical, struct error *err)
{
    if (address % HOST_PAGE_SIZE || physical % HOST_PAGE_SIZE)
        return error_set(err, ERR_VALUE, "only whole pages are translated");
    if (translation_count == IMAGE_MAX)
        return error_set(err, ERR_VALUE, "more than %d translations", IMAGE_MAX);
    translations[translation_count++] =
        (struct translation){.task = task, .page = address, .physical = physical};
    return true;
}

bool host_translate(uint64_t task, uint64_t address, uint64_t *physical, struct error *err)
{
    uint64_t offset = address % HOST_PAGE_SIZE;
    for (size_t i = 0; i < translation_count; i++) {
        if (translations[i].task == task && translations[i].page == address - offset) {
            *physical = translations[i].physical + offset;
            return true;
        }
    }
    return error_set_at(err, ERR_FAULT, address,
                        "no physical page behind user address 0x%" PRIx64 " of task 0x%" PRIx64,
                        address, task);
}

static bool read_user(uint64_t address, uint8_t *buffer, size_t size)
{
    for (size_t done = 0, piece; done < size; done += piece) {
        uint64_t physical;
        if (!host_translate(image_task_selected(), address + done, &physical, NULL))
            return false;
        piece = HOST_PAGE_SIZE - physical % HOST_PAGE_SIZE;
        if (piece > size - done)
            piece = size - done;
        if (!transfer(HOST_PHYSICAL, physical, buffer + done, NULL, piece))
            return false;
    }
    return true;
}

bool host_read(enum host_space space, uint64_t address, void *buffer, size_t size,
               struct error *err)
{
    read_count++;
    if (read_count == interrupt_at)
        raise(SIGINT);
    bool ok = space == HOST_USER ? read_user(address, buffer, size)
                                 : transfer(space, address, buffer, NULL, size);
    if (ok)
        return true;
    return error_set_at(err, reason_at(address), address,
                        "readmem error at addr 0x%" PRIx64 ", reading %zu bytes", address, size);
}

bool host_phys_to_page(uint64_t physical, uint64_t *page, struct error *err)
{
    if (!region_at(HOST_PHYSICAL, physical))
        return error_set_at(err, ERR_FAULT, physical,
                            "no struct page for physical address 0x%" PRIx64, physical);
    *page = image_info()->mem_map + physical / HOST_PAGE_SIZE * SIZE_OF_STRUCT_PAGE;
    return true;
}

void image_memory_reset(void)
{
    for (size_t i = 0; i < region_count; i++)
        free(regions[i].bytes);
    for (size_t i = 0; i < range_count; i++)
        free((char *)ranges[i].name);
    region_count = 0;
    hole_count = 0;
    range_count = 0;
    translation_count = 0;
    read_count = 0;
    interrupt_at = 0;
}
