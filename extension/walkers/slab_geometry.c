// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/slab_geometry.h"

#include "memory/cache.h"
#include "types/path.h"
#include "walkers/walk.h"

enum { OBJECTS_MASK = 0xffff }; // of kmem_cache.oo: objects, and the order above them

static bool member_read(uint64_t at, const struct path_field *field, uint64_t *value,
                        struct error *err)
{
    if (field->size > sizeof(*value))
        return error_set(err, ERR_TYPE, "%s has an unknown form", field->name);
    return cache_read_word(at + field->offset, field->size, value, err);
}

bool slab_geometry_read(uint64_t at, struct slab_geometry *geometry, struct error *err)
{
    struct path_field fields[] = {{.name = "size"},
                                  {.name = "offset"},
                                  {.name = "oo.x"},
                                  {.name = "min.x"},
                                  {.name = "cpu_slab"}};
    struct path_field secret = {.name = "random"};
    struct path_field pad = {.name = "red_left_pad"};
    uint64_t values[5];
    *geometry = (struct slab_geometry){0};
    if (!path_fields("struct kmem_cache", fields, 5, err))
        return false;
    for (int i = 0; i < 5; i++) {
        if (!member_read(at, &fields[i], &values[i], err))
            return false;
    }
    geometry->size = values[0];
    geometry->link_offset = values[1];
    geometry->most_objects = values[2] & OBJECTS_MASK;
    if ((values[3] & OBJECTS_MASK) > geometry->most_objects)
        geometry->most_objects = values[3] & OBJECTS_MASK;
    geometry->cpu_slab = values[4];
    // Only with CONFIG_SLAB_FREELIST_HARDENED, and with CONFIG_SLUB_DEBUG.
    geometry->hardened = path_field_exists("struct kmem_cache", &secret);
    if (geometry->hardened && !member_read(at, &secret, &geometry->secret, err))
        return false;
    if (path_field_exists("struct kmem_cache", &pad) && !member_read(at, &pad, &geometry->pad, err))
        return false;
    if (geometry->size < sizeof(uint64_t) || geometry->size > UINT32_MAX ||
        geometry->link_offset > geometry->size - sizeof(uint64_t) ||
        geometry->pad >= geometry->size || !geometry->most_objects)
        return walk_damaged(err, at, "this is no slab cache");
    return true;
}

bool slab_link_read(const struct slab_geometry *geometry, uint64_t object, uint64_t *next,
                    struct error *err)
{
    uint64_t at = object + geometry->link_offset;
    if (!cache_read_word(at, sizeof(*next), next, err))
        return false;
    // Since 5.7 (1ad53d9fa3f6) mixed with the pointer's own address in reversed order of bytes.
    if (geometry->hardened)
        *next ^= geometry->secret ^ __builtin_bswap64(at);
    return true;
}

bool slab_object_number(const struct slab_geometry *geometry, const struct slab_entry *slab,
                        uint64_t object, uint64_t *number)
{
    uint64_t offset = object - slab->base - geometry->pad;
    *number = offset / geometry->size;
    return offset % geometry->size == 0 && *number < slab->objects;
}
