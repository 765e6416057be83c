// SPDX-License-Identifier: GPL-3.0-or-later
// The input is the namelist: an ELF file with DWARF.
#include <elf.h>
#include <string.h>

#include "fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    fuzz_no_cache();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_namelist_set(fuzz_file(data, size));
    types_choose("dwarf", NULL);
    fuzz_walk_all();
    fuzz_walk_strings(data, size);
    fuzz_reset();
    return 0;
}

// The bytes of section number `index`. False if it has none within the file.
static bool section_find(const uint8_t *data, size_t size, const Elf64_Ehdr *header, size_t index,
                         size_t *start, size_t *length)
{
    Elf64_Shdr section;
    size_t at = header->e_shoff + index * sizeof(section);
    if (header->e_shoff > size || at > size || size - at < sizeof(section))
        return false;
    memcpy(&section, data + at, sizeof(section));
    if (section.sh_type == SHT_NOBITS || section.sh_offset >= size || !section.sh_size ||
        section.sh_size > size - section.sh_offset)
        return false;
    *start = section.sh_offset;
    *length = section.sh_size;
    return true;
}

// Every other time it changes one section and leaves the file's own structure alone.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    Elf64_Ehdr header;
    size_t start;
    size_t length;
    if (size >= sizeof(header) && seed % 8) {
        memcpy(&header, data, sizeof(header));
        if (header.e_shnum &&
            section_find(data, size, &header, seed / 8 % header.e_shnum, &start, &length)) {
            size_t changed = LLVMFuzzerMutate(data + start, length, length);
            memset(data + start + changed, 0, length - changed);
            return size;
        }
    }
    return LLVMFuzzerMutate(data, size, max_size);
}
