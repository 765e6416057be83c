// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/btf_image.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "host/host.h"

enum {
    MAX_SIZE = 256 << 20, // of the kernel's BTF, and of that of all modules together
    MAX_MODULES = 4096,
    MAX_NAME = 64, // of a module: MODULE_NAME_LEN is 56
};

static void *read_bytes(uint64_t address, size_t size, struct error *err)
{
    if (!size || size > MAX_SIZE) {
        error_set(err, ERR_TYPE, "BTF of an impossible size, %zu bytes", size);
        return NULL;
    }
    void *bytes = malloc(size);
    if (!bytes)
        error_set_no_memory(err);
    else if (host_read(HOST_KERNEL, address, bytes, size, err))
        return bytes;
    free(bytes);
    return NULL;
}

void *btf_image_kernel(size_t *size, struct error *err)
{
    struct host_symbol start;
    struct host_symbol stop;
    if (!host_symbol_find("__start_BTF", &start) || !host_symbol_find("__stop_BTF", &stop) ||
        stop.address <= start.address) {
        error_set(err, ERR_TYPE, "the kernel has no BTF: neither the namelist nor the dump has it");
        return NULL;
    }
    *size = stop.address - start.address;
    return read_bytes(start.address, *size, err);
}

// Offsets in struct btf_module and struct btf, kernel/bpf/btf.c.
struct layout {
    uint64_t list;
    uint64_t btf;
    uint64_t data;
    uint64_t data_size;
    uint64_t name;
};

static bool member_offset(struct type_provider *kernel, const char *tag, const char *name,
                          uint64_t *offset)
{
    const struct type *type = kernel->find(kernel, TYPE_SPACE_STRUCT, tag);
    const struct type_member *member =
        type && type_complete(type, NULL) ? type_member_find(type, name) : NULL;
    if (member)
        *offset = member->bit_offset / 8;
    return member != NULL;
}

static bool layout_find(struct type_provider *kernel, struct layout *layout)
{
    return member_offset(kernel, "btf_module", "list", &layout->list) &&
           member_offset(kernel, "btf_module", "btf", &layout->btf) &&
           member_offset(kernel, "btf", "data", &layout->data) &&
           member_offset(kernel, "btf", "data_size", &layout->data_size) &&
           member_offset(kernel, "btf", "name", &layout->name);
}

static bool read_word(uint64_t address, uint64_t *word)
{
    return host_read(HOST_KERNEL, address, word, sizeof(*word), NULL);
}

// `left` is how many bytes may still be read.
static void visit_module(uint64_t btf, const struct layout *layout, size_t *left,
                         btf_image_visitor visit, void *context)
{
    uint64_t data;
    uint32_t size;
    char name[MAX_NAME] = "";
    if (!read_word(btf + layout->data, &data) ||
        !host_read(HOST_KERNEL, btf + layout->data_size, &size, sizeof(size), NULL) ||
        !host_read(HOST_KERNEL, btf + layout->name, name, sizeof(name) - 1, NULL) || size > *left)
        return;
    *left -= size;
    void *bytes AUTO_FREE = read_bytes(data, size, NULL);
    if (bytes)
        visit(name, bytes, size, context);
}

void btf_image_modules(struct type_provider *kernel, btf_image_visitor visit, void *context)
{
    struct host_symbol head;
    struct layout layout;
    uint64_t node;
    if (!host_symbol_find("btf_modules", &head) || !layout_find(kernel, &layout) ||
        !read_word(head.address, &node))
        return;
    // A list that goes round without its head comes by the node of the last power of two.
    uint64_t mark = head.address;
    size_t left = MAX_SIZE;
    for (int i = 0; node != head.address && node != mark && i < MAX_MODULES; i++) {
        if (!(i & (i + 1)))
            mark = node;
        uint64_t btf;
        if (!read_word(node - layout.list + layout.btf, &btf))
            return;
        visit_module(btf, &layout, &left, visit, context);
        if (!read_word(node, &node))
            return;
    }
}
