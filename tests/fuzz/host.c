// SPDX-License-Identifier: GPL-3.0-or-later
// The part of host/host.h that `base` and `types` use, over what the input says.
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

enum { MAX_REGIONS = 4, MAX_SYMBOLS = 4 };

static struct {
    struct region {
        uint64_t address;
        const uint8_t *bytes;
        size_t size;
    } regions[MAX_REGIONS];
    size_t region_count;
    struct host_symbol symbols[MAX_SYMBOLS];
    size_t symbol_count;
    const char *namelist;
    fuzz_gdb gdb;
} host;

_Noreturn void fuzz_broken(const char *file, int line, const char *promise)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, promise);
    abort();
}

// ---- what the input says -----------------------------------------------------------------------

void fuzz_memory_add(uint64_t address, const void *bytes, size_t size)
{
    FUZZ_CHECK(host.region_count < MAX_REGIONS);
    host.regions[host.region_count++] =
        (struct region){.address = address, .bytes = bytes, .size = size};
}

void fuzz_symbol_add(const char *name, uint64_t address)
{
    FUZZ_CHECK(host.symbol_count < MAX_SYMBOLS);
    host.symbols[host.symbol_count++] =
        (struct host_symbol){.name = name, .address = address, .type = 'D'};
}

void fuzz_namelist_set(const char *path)
{
    host.namelist = path;
}

void fuzz_gdb_set(fuzz_gdb answer)
{
    host.gdb = answer;
}

void fuzz_reset(void)
{
    types_reset();
    memset(&host, 0, sizeof(host));
}

const char *fuzz_file(const void *bytes, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd >= 0)
        close(fd);
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return path;
}

// ---- caches ------------------------------------------------------------------------------------

static char temporary[] = "/tmp/mpykdump-fuzz-XXXXXX";

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    return remove(path);
}

static void remove_temporary(void)
{
    nftw(temporary, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_cache(void)
{
    static const char *cache;
    if (cache)
        return cache;
    const char *wanted = getenv("FUZZ_CACHE");
    cache = wanted ? wanted : mkdtemp(temporary);
    FUZZ_CHECK(cache && *cache == '/');
    if (!wanted)
        atexit(remove_temporary);
    setenv("XDG_CACHE_HOME", cache, true);
    return cache;
}

void fuzz_no_cache(void)
{
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
}

// ---- host.h ------------------------------------------------------------------------------------

bool host_read(enum host_space space, uint64_t address, void *buffer, size_t size,
               struct error *err)
{
    for (size_t i = 0; i < host.region_count; i++) {
        const struct region *region = &host.regions[i];
        uint64_t offset = address - region->address;
        if (space == HOST_KERNEL && offset < region->size && size <= region->size - offset) {
            memcpy(buffer, region->bytes + offset, size);
            return true;
        }
    }
    return error_set_at(err, ERR_FAULT, address, "no memory at 0x%" PRIx64, address);
}

bool host_symbol_find(const char *name, struct host_symbol *symbol)
{
    for (size_t i = 0; i < host.symbol_count; i++) {
        if (!strcmp(host.symbols[i].name, name)) {
            *symbol = host.symbols[i];
            return true;
        }
    }
    return false;
}

const char *host_module_at(uint64_t address)
{
    return NULL;
}

const char *host_module_file(const char *name)
{
    return NULL;
}

uint64_t host_symbols_signature(void)
{
    return 0;
}

void host_text_free(struct host_text *text)
{
    free(text->bytes);
    *text = (struct host_text){0};
}

bool host_gdb(const char *line, struct host_text *text, struct error *err)
{
    *text = (struct host_text){0};
    return host.gdb ? host.gdb(line, text, err) : error_set(err, ERR_HOST, "there is no gdb");
}

void host_info_get(struct host_info *info)
{
    *info = (struct host_info){.namelist = host.namelist, .machine = "X86_64", .page_shift = 12};
}

bool host_enumerator(const char *name, int64_t *value)
{
    return false;
}

bool host_interrupted(void)
{
    return false;
}
