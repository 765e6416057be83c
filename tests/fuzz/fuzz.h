// SPDX-License-Identifier: GPL-3.0-or-later
// What the fuzz targets share: a host without crash, whose memory, symbols, namelist and gdb are
// what the input says, and a walk that asks the engine everything there is to ask about types.
//
// The sanitizers notice harm; FUZZ_CHECK notices answers that break a promise of a header.
#ifndef MPYKDUMP_FUZZ_FUZZ_H
#define MPYKDUMP_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"
#include "types/types.h"

#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))

_Noreturn void fuzz_broken(const char *file, int line, const char *promise);

// ---- the entry points that libFuzzer calls -----------------------------------------------------

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

// ---- the host ----------------------------------------------------------------------------------

// What gdb prints for a line; as host_gdb.
typedef bool (*fuzz_gdb)(const char *line, struct host_text *text, struct error *err);

// Kernel memory; the bytes stay the caller's.
void fuzz_memory_add(uint64_t address, const void *bytes, size_t size);
void fuzz_symbol_add(const char *name, uint64_t address);
void fuzz_namelist_set(const char *path);
void fuzz_gdb_set(fuzz_gdb answer);

// Forgets all types and all of the host.
void fuzz_reset(void);

// A file of these bytes and its path, valid until the next one is made.
const char *fuzz_file(const void *bytes, size_t size);

// The folder of caches for this process: $FUZZ_CACHE, else one that goes when the process ends.
// The environment is such that the engine keeps its indexes there.
const char *fuzz_cache(void);

// The engine keeps nothing on disk.
void fuzz_no_cache(void);

// ---- the walk ----------------------------------------------------------------------------------

// Lists all types, and looks at them and at all that they lead to.
void fuzz_walk_all(void);

// The same for those of a provider.
struct type_provider;
void fuzz_walk_provider(struct type_provider *provider);

// Looks up names as everything that they could be, and looks at what is found.
void fuzz_walk_names(const char *const *names, size_t count);

// The same for the strings that are in the input.
void fuzz_walk_strings(const uint8_t *data, size_t size);

#endif
