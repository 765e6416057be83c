// SPDX-License-Identifier: GPL-3.0-or-later
// The input is the index on disk of a real ELF file.
//
// Its header is made to fit it first, as one who means harm would do it. In the place of the size
// of the build ID, which is known, the input has what is to be left as it is.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "types/dwarf_index.h"

extern const uint8_t sample_begin[];
extern const uint8_t sample_end[];
__asm__(".section .rodata.sample,\"a\"\n"
        "sample_begin: .incbin \"" FUZZ_SAMPLE "\"\n"
        "sample_end:\n"
        ".previous\n");

enum { KEEP_IDENTITY = 1, KEEP_SIZE = 2, KEEP_CHECKSUM = 4 };

static struct dwarf_identity identity;
static const char *sample;
static char index_path[256];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct dwarf_file file;
    struct error err;
    sample = fuzz_file(sample_begin, (size_t)(sample_end - sample_begin));
    FUZZ_CHECK(dwarf_file_open(&file, sample, &err));
    identity = file.identity;
    dwarf_file_close(&file);

    int used = snprintf(index_path, sizeof(index_path), "%s/mpykdump", fuzz_cache());
    mkdir(index_path, S_IRWXU);
    used += snprintf(index_path + used, sizeof(index_path) - (size_t)used, "/dwarf");
    mkdir(index_path, S_IRWXU);
    used += snprintf(index_path + used, sizeof(index_path) - (size_t)used, "/");
    for (size_t i = 0; i < identity.build_id_size; i++)
        used += snprintf(index_path + used, sizeof(index_path) - (size_t)used, "%02x",
                         identity.build_id[i]);
    used += snprintf(index_path + used, sizeof(index_path) - (size_t)used, ".index");
    FUZZ_CHECK((size_t)used < sizeof(index_path));
    return 0;
}

// As dwarf_index.c takes it.
static uint64_t checksum(const uint8_t *bytes, size_t size)
{
    uint64_t sum = size;
    for (size_t i = 0; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
        sum ^= sum >> 29;
    }
    return sum;
}

static void fit(uint8_t *bytes, size_t size)
{
    struct index_header header;
    if (size < sizeof(header))
        return;
    memcpy(&header, bytes, sizeof(header));
    uint64_t keep = header.build_id_size;
    header.build_id_size = identity.build_id_size;
    if (!(keep & KEEP_IDENTITY)) {
        header.file_size = identity.file_size;
        memcpy(header.build_id, identity.build_id, sizeof(header.build_id));
    }
    uint64_t others = sizeof(header) + (uint64_t)header.head_count * sizeof(uint32_t) +
                      (uint64_t)header.entry_count * sizeof(struct index_entry);
    if (!(keep & KEEP_SIZE) && others < size)
        header.name_size = (uint32_t)(size - others);
    if (!(keep & KEEP_CHECKSUM)) {
        header.checksum = 0;
        memcpy(bytes, &header, sizeof(header));
        header.checksum = checksum(bytes, sizeof(header)) ^
                          checksum(bytes + sizeof(header), size - sizeof(header));
    }
    memcpy(bytes, &header, sizeof(header));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    FUZZ_CHECK(bytes);
    memcpy(bytes, data, size);
    fit(bytes, size);
    int fd = open(index_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    FUZZ_CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    free(bytes);

    fuzz_namelist_set(sample);
    types_choose("dwarf", NULL);
    fuzz_walk_all();
    fuzz_walk_strings(data, size);
    fuzz_reset();
    return 0;
}
