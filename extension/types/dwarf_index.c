// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/dwarf_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
    VERSION = 1, // of the format, of the hash, and of what is put into an index
    BUILDER_HEADS = 1 << 17,
    MAX_ENTRIES = 1 << 22,
    MAX_NAMES = 1 << 28, // bytes
};

static const char magic[8] = "mpykDWi";

// Stored with the index: changing it takes another VERSION.
static uint32_t name_hash(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3ull;
    return (uint32_t)(hash ^ (hash >> 32));
}

// Against accidents, not against people: those are kept out by the checks of every number.
static uint64_t checksum(const void *bytes, size_t size)
{
    uint64_t sum = size;
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, (const char *)bytes + i, sizeof(word));
        sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
        sum ^= sum >> 29;
    }
    return sum;
}

static uint64_t index_checksum(const struct index_header *header, size_t size)
{
    struct index_header copy = *header;
    copy.checksum = 0;
    return checksum(&copy, sizeof(copy)) ^ checksum(header + 1, size - sizeof(copy));
}

// The size that the counts of a header stand for; none of them can make it overflow.
static size_t size_of(const struct index_header *header)
{
    return sizeof(*header) + (size_t)header->head_count * sizeof(uint32_t) +
           (size_t)header->entry_count * sizeof(struct index_entry) + header->name_size;
}

static void point(struct dwarf_index *index, const void *bytes, size_t size)
{
    index->header = bytes;
    index->heads = (const uint32_t *)(index->header + 1);
    index->entries = (const struct index_entry *)(index->heads + index->header->head_count);
    index->names = (const char *)(index->entries + index->header->entry_count);
    index->size = size;
}

static const char *header_fault(const struct index_header *header, size_t size,
                                const struct dwarf_identity *identity)
{
    if (size < sizeof(*header) || size % sizeof(uint64_t) ||
        memcmp(header->magic, magic, sizeof(magic)) != 0)
        return "it is not an index";
    if (header->version != VERSION)
        return "it is of another version";
    if (header->build_id_size != identity->build_id_size ||
        memcmp(header->build_id, identity->build_id, BUILD_ID_MAX) != 0 ||
        header->file_size != identity->file_size)
        return "it is of another file";
    if (!header->head_count || header->head_count & (header->head_count - 1) ||
        header->head_count % 2 || !header->entry_count || !header->name_size ||
        size_of(header) != size)
        return "it is truncated, or its sizes are wrong";
    if (header->checksum != index_checksum(header, size))
        return "its checksum is wrong";
    return NULL;
}

// Names end before the last byte, and chains go forward: no reader runs away.
static const char *content_fault(const struct dwarf_index *index)
{
    const struct index_header *header = index->header;
    if (index->names[header->name_size - 1])
        return "its names have no end";
    for (uint32_t i = 0; i < header->head_count; i++) {
        if (index->heads[i] >= header->entry_count)
            return "it refers to an entry that it does not have";
    }
    for (uint32_t i = 0; i < header->entry_count; i++) {
        const struct index_entry *entry = &index->entries[i];
        if (entry->name >= header->name_size || entry->kind >= INDEX_KINDS ||
            entry->next >= header->entry_count || (entry->next && entry->next <= i))
            return "an entry is wrong";
    }
    return NULL;
}

bool dwarf_index_adopt(struct dwarf_index *index, void *bytes, size_t size,
                       const struct dwarf_identity *identity, struct error *err)
{
    struct dwarf_index candidate = {0};
    const char *fault = header_fault(bytes, size, identity);
    if (!fault) {
        point(&candidate, bytes, size);
        fault = content_fault(&candidate);
    }
    if (fault)
        return error_set(err, ERR_TYPE, "%s", fault);
    *index = candidate;
    return true;
}

void dwarf_index_free(struct dwarf_index *index)
{
    free((void *)index->header);
    *index = (struct dwarf_index){0};
}

static uint32_t search(const struct dwarf_index *index, uint32_t entry, enum index_kind kind,
                       const char *name)
{
    while (entry && (index->entries[entry].kind != kind ||
                     strcmp(dwarf_index_name(index, entry), name) != 0))
        entry = index->entries[entry].next;
    return entry;
}

uint32_t dwarf_index_find(const struct dwarf_index *index, enum index_kind kind, const char *name)
{
    uint32_t head = index->heads[name_hash(name) & (index->header->head_count - 1)];
    return search(index, head, kind, name);
}

uint32_t dwarf_index_next(const struct dwarf_index *index, uint32_t entry)
{
    return search(index, index->entries[entry].next, index->entries[entry].kind,
                  dwarf_index_name(index, entry));
}

// ---- building ------------------------------------------------------------------------------

bool index_builder_init(struct index_builder *builder, struct error *err)
{
    *builder = (struct index_builder){
        .heads = calloc(BUILDER_HEADS, sizeof(*builder->heads)),
        .entries = calloc(1, sizeof(*builder->entries)),
        .entry_count = 1, // 0 ends a chain
        .entry_capacity = 1,
    };
    if (builder->heads && builder->entries)
        return true;
    index_builder_free(builder);
    return error_set_no_memory(err);
}

void index_builder_free(struct index_builder *builder)
{
    free(builder->heads);
    free(builder->entries);
    free(builder->names);
    *builder = (struct index_builder){0};
}

static bool reserve(void **items, size_t *capacity, size_t needed, size_t item_size)
{
    if (needed <= *capacity)
        return true;
    size_t wanted = needed + needed / 2 + 1024;
    void *grown = reallocarray(*items, wanted, item_size);
    if (!grown)
        return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

bool index_builder_add(struct index_builder *builder, const char *name, struct index_entry entry,
                       struct error *err)
{
    uint32_t *head = &builder->heads[name_hash(name) & (BUILDER_HEADS - 1)];
    size_t length = strlen(name) + 1;
    entry.name = (uint32_t)builder->name_size;
    for (uint32_t i = *head; i; i = builder->entries[i].next) {
        const struct index_entry *other = &builder->entries[i];
        if (strcmp(builder->names + other->name, name) != 0)
            continue;
        if (other->kind == entry.kind && other->size == entry.size && other->line == entry.line)
            return true;
        entry.name = other->name;
    }
    bool is_new = entry.name == builder->name_size;
    if (builder->entry_count == MAX_ENTRIES || length > MAX_NAMES - builder->name_size)
        return error_set(err, ERR_TYPE, "the DWARF names more things than can be");
    if (!reserve((void **)&builder->entries, &builder->entry_capacity, builder->entry_count + 1,
                 sizeof(*builder->entries)) ||
        !reserve((void **)&builder->names, &builder->name_capacity, builder->name_size + length, 1))
        return error_set_no_memory(err);
    if (is_new) {
        memcpy(builder->names + builder->name_size, name, length);
        builder->name_size += length;
    }
    entry.next = *head;
    *head = (uint32_t)builder->entry_count;
    builder->entries[builder->entry_count++] = entry;
    return true;
}

bool index_builder_finish(struct index_builder *builder, const struct dwarf_identity *identity,
                          struct dwarf_index *index, struct error *err)
{
    struct index_header header = {
        .version = VERSION,
        .head_count = 2,
        .entry_count = (uint32_t)builder->entry_count,
        .name_size = (uint32_t)(builder->name_size / 8 + 1) * 8,
        .file_size = identity->file_size,
        .build_id_size = identity->build_id_size,
    };
    memcpy(header.magic, magic, sizeof(magic));
    memcpy(header.build_id, identity->build_id, sizeof(header.build_id));
    while (header.head_count < header.entry_count)
        header.head_count *= 2;
    size_t size = size_of(&header);
    // Entries are 24 bytes and everything else is a multiple of 8: so is the whole.
    char *bytes AUTO_FREE = calloc(1, size);
    if (!bytes)
        return error_set_no_memory(err);
    struct index_header *made = (struct index_header *)bytes;
    *made = header;
    point(index, bytes, size);
    if (builder->name_size)
        memcpy((char *)index->names, builder->names, builder->name_size);
    memcpy((void *)index->entries, builder->entries,
           builder->entry_count * sizeof(*builder->entries));
    struct index_entry *entries = (struct index_entry *)index->entries;
    uint32_t *heads = (uint32_t *)index->heads;
    // Backwards, so that chains go forwards.
    for (uint32_t i = header.entry_count - 1; i; i--) {
        uint32_t *head =
            &heads[name_hash(index->names + entries[i].name) & (header.head_count - 1)];
        entries[i].next = *head;
        *head = i;
    }
    made->checksum = index_checksum(made, size);
    TRANSFER(bytes);
    return true;
}
