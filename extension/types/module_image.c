// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/module_image.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

#include "host/host.h"

enum {
    MAX_MODULES = 10000,
    MAX_NOTES = 64,  // sections of one module
    MAX_NOTE = 4096, // bytes of one
    POINTER = sizeof(uint64_t),
};

// Offsets in bytes. Of struct module_notes_attrs (kernel/module/sysfs.c) there are two kinds: with
// a number and, since 6.14, 4723f16de64e ("module: sysfs: Add notes attributes through
// attribute_group"), with a table of pointers that ends with NULL.
struct layout {
    uint64_t list;
    uint64_t name;
    uint64_t srcversion;
    bool has_srcversion;
    uint64_t notes_attrs;
    bool has_notes;
    uint64_t count;
    bool has_count;
    uint64_t attrs; // where the attributes are, or the pointer to the table
    uint64_t attr_size;
    uint64_t private; // in struct bin_attribute: the address of the note
    uint64_t size;
};

static const struct type_member *member_of(struct type_provider *kernel, const char *tag,
                                           const char *name)
{
    const struct type *type = kernel->find(kernel, TYPE_SPACE_STRUCT, tag);
    return type && type_complete(type, NULL) ? type_member_find(type, name) : NULL;
}

static bool offset_of(struct type_provider *kernel, const char *tag, const char *name,
                      uint64_t *offset)
{
    const struct type_member *member = member_of(kernel, tag, name);
    if (member)
        *offset = member->bit_offset / 8;
    return member != NULL;
}

static bool notes_find(struct type_provider *kernel, struct layout *layout)
{
    const struct type *attr = kernel->find(kernel, TYPE_SPACE_STRUCT, "bin_attribute");
    uint64_t group = 0;
    uint64_t table = 0;
    if (!attr || !offset_of(kernel, "module", "notes_attrs", &layout->notes_attrs) ||
        !offset_of(kernel, "bin_attribute", "private", &layout->private) ||
        !offset_of(kernel, "bin_attribute", "size", &layout->size))
        return false;
    layout->attr_size = attr->size;
    if (offset_of(kernel, "module_notes_attrs", "grp", &group) &&
        offset_of(kernel, "attribute_group", "bin_attrs", &table)) {
        layout->attrs = group + table;
        return true;
    }
    layout->has_count = offset_of(kernel, "module_notes_attrs", "notes", &layout->count);
    return layout->has_count && offset_of(kernel, "module_notes_attrs", "attrs", &layout->attrs);
}

static bool layout_find(struct type_provider *kernel, struct layout *layout)
{
    *layout = (struct layout){0};
    layout->has_srcversion = offset_of(kernel, "module", "srcversion", &layout->srcversion);
    layout->has_notes = notes_find(kernel, layout);
    return offset_of(kernel, "module", "list", &layout->list) &&
           offset_of(kernel, "module", "name", &layout->name);
}

static bool read_word(uint64_t address, uint64_t *word)
{
    return host_read(HOST_KERNEL, address, word, sizeof(*word), NULL);
}

// Text up to its NUL, or "" where it cannot be read.
static void read_text(uint64_t address, char *text, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (!host_read(HOST_KERNEL, address + i, &text[i], 1, NULL))
            text[i] = '\0';
        if (!text[i])
            return;
    }
    text[size - 1] = '\0';
}

bool module_image_build_id(const void *note, size_t size, struct module_image *module)
{
    Elf64_Nhdr header;
    if (size < sizeof(header) + sizeof(ELF_NOTE_GNU))
        return false;
    memcpy(&header, note, sizeof(header));
    const char *rest = (const char *)note + sizeof(header);
    if (header.n_namesz != sizeof(ELF_NOTE_GNU) || header.n_type != NT_GNU_BUILD_ID ||
        memcmp(rest, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) != 0 || !header.n_descsz ||
        header.n_descsz > BUILD_ID_MAX ||
        header.n_descsz > size - sizeof(header) - sizeof(ELF_NOTE_GNU))
        return false;
    memcpy(module->build_id, rest + sizeof(ELF_NOTE_GNU), header.n_descsz);
    module->build_id_size = header.n_descsz;
    return true;
}

static bool read_note(uint64_t attr, const struct layout *layout, struct module_image *module)
{
    uint8_t bytes[MAX_NOTE];
    uint64_t address;
    uint64_t size;
    return read_word(attr + layout->private, &address) && read_word(attr + layout->size, &size) &&
           size <= sizeof(bytes) && host_read(HOST_KERNEL, address, bytes, size, NULL) &&
           module_image_build_id(bytes, size, module);
}

static void read_notes(uint64_t address, const struct layout *layout, struct module_image *module)
{
    uint64_t notes;
    uint32_t count = MAX_NOTES;
    if (!read_word(address + layout->notes_attrs, &notes) || !notes)
        return;
    uint64_t at = notes + layout->attrs;
    if (layout->has_count
            ? !host_read(HOST_KERNEL, notes + layout->count, &count, sizeof(count), NULL)
            : !read_word(at, &at))
        return;
    for (uint32_t i = 0; i < count && i < MAX_NOTES; i++) {
        uint64_t attr = at + i * layout->attr_size;
        if (!layout->has_count && (!read_word(at + i * POINTER, &attr) || !attr))
            return;
        if (read_note(attr, layout, module))
            return;
    }
}

static void read_module(uint64_t address, const struct layout *layout, struct module_image *module)
{
    uint64_t srcversion;
    *module = (struct module_image){0};
    read_text(address + layout->name, module->name, sizeof(module->name));
    if (layout->has_srcversion && read_word(address + layout->srcversion, &srcversion) &&
        srcversion)
        read_text(srcversion, module->srcversion, sizeof(module->srcversion));
    if (layout->has_notes)
        read_notes(address, layout, module);
}

void module_image_each(struct type_provider *kernel, module_image_visitor visit, void *context)
{
    struct host_symbol head;
    struct layout layout;
    uint64_t node;
    if (!host_symbol_find("modules", &head) || !layout_find(kernel, &layout) ||
        !read_word(head.address, &node))
        return;
    // A list that goes round without its head comes by the node of the last power of two.
    uint64_t mark = head.address;
    for (int i = 0; node != head.address && node != mark && i < MAX_MODULES; i++) {
        if (!(i & (i + 1)))
            mark = node;
        struct module_image module;
        read_module(node - layout.list, &layout, &module);
        if (*module.name)
            visit(&module, context);
        if (!read_word(node, &node))
            return;
    }
}
