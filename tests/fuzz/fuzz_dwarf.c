// SPDX-License-Identifier: GPL-3.0-or-later
// The input is the namelist: an ELF file with DWARF. It is a module's file, too, whose types are
// compared with those of the namelist.
#include <elf.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "stacks/code_stack.h"
#include "types/dwarf_place.h"
#include "types/module_file.h"
#include "types/provider.h"

// Where the code of the seeds is, and the bytes of it that are asked about.
enum { CODE_END = 0x400, CODE_STEP = 3, STACK = 0x1000, CALLERS = 3 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    fuzz_no_cache();
    return 0;
}

// A stack of one place, which calls itself, and all that is in its frames.
static void look_at_place(const struct dwarf_place *place)
{
    struct code_frame frames[CALLERS] = {0};
    struct code_stack stack = {.frames = frames, .count = CALLERS};
    struct code_value value;
    const char *reason = NULL;
    for (size_t i = 0; i < CALLERS; i++) {
        frames[i].code.place = place;
        frames[i].cfa = STACK;
        for (size_t number = 0; number < CODE_REGISTERS; number++)
            frames[i].registers[number] = frames[i].entry[number] =
                (struct code_value){.known = true, .value = number};
    }
    for (size_t i = 0; i < place->scope_count; i++) {
        const struct dwarf_scope *scope = &place->scopes[i];
        FUZZ_CHECK(scope->first + scope->count <= place->variable_count);
    }
    for (size_t i = 0; i < place->variable_count; i++)
        FUZZ_CHECK(code_variable(&stack, 0, &place->variables[i], &value, &reason) || reason);
    for (unsigned number = 0; number < CODE_REGISTERS; number++) {
        code_stack_ask(&stack);
        FUZZ_CHECK(code_passed(&stack, 0, number, &value, &reason) || reason);
    }
}

static void look_at_code(const char *path)
{
    struct dwarf_file file;
    struct error err = {0};
    if (!dwarf_file_open(&file, path, &err))
        return;
    for (uint64_t at = 1; at < CODE_END; at += CODE_STEP) {
        struct dwarf_place *place = dwarf_place_find(&file, at - 1, at, &err);
        if (place)
            look_at_place(place);
        else
            FUZZ_CHECK(err.code == ERR_NONE);
        dwarf_place_free(place);
    }
    dwarf_file_close(&file);
}

static void walk_as_module(const char *path)
{
    static const struct module_image image = {.name = "sample", .srcversion = "ABC"};
    struct dwarf_identity identity;
    struct error err = {0};
    if (module_file_check(path, &image, "6.1.0", &identity, &err) != MODULE_FILE_FITS)
        FUZZ_CHECK(err.code != ERR_NONE);
    struct type_provider *kernel = dwarf_provider_new(path, &err);
    struct type_provider *module = kernel ? dwarf_module_new(path, NULL, kernel, &err) : NULL;
    if (module) {
        fuzz_walk_provider(module);
        module->free(module);
    }
    if (kernel)
        kernel->free(kernel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    fuzz_namelist_set(path);
    types_choose("dwarf", NULL);
    fuzz_walk_all();
    fuzz_walk_strings(data, size);
    look_at_code(path);
    walk_as_module(path);
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
