// SPDX-License-Identifier: GPL-3.0-or-later
// The input is memory of the dump: the kernel's BTF, as long as its header says, and behind it what
// the list of modules and their BTF are in.
#include <linux/btf.h>
#include <string.h>

#include "fuzz/fuzz.h"

// tests/fuzz/seeds.py has the second one too.
#define BTF_AT 0xffffffff82000000ull
#define MODULES_AT 0xffffffffc0000000ull

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    fuzz_no_cache();
    return 0;
}

// How many of the bytes are the kernel's: all of them where the header makes no sense.
static size_t kernel_size(const uint8_t *data, size_t size)
{
    struct btf_header header;
    if (size < sizeof(header))
        return size;
    memcpy(&header, data, sizeof(header));
    uint64_t end = (uint64_t)header.hdr_len + header.str_off + header.str_len;
    return end && end < size ? (size_t)end : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t kernel = kernel_size(data, size);
    fuzz_memory_add(BTF_AT, data, kernel);
    fuzz_symbol_add("__start_BTF", BTF_AT);
    fuzz_symbol_add("__stop_BTF", BTF_AT + kernel);
    if (kernel < size) {
        fuzz_memory_add(MODULES_AT, data + kernel, size - kernel);
        fuzz_symbol_add("btf_modules", MODULES_AT);
    }
    types_choose("btf", NULL);
    fuzz_walk_all();
    fuzz_walk_strings(data, size);
    fuzz_reset();
    return 0;
}
