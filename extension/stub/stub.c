// SPDX-License-Identifier: GPL-3.0-or-later
// The loader: the part of mpykdump.so that crash loads and unloads.
//
// It needs nothing but libc, so that it can say what is missing where the rest cannot be loaded.
// The rest (the core, with Python behind it) is a shared object inside this one; it is loaded
// once in a process, from memory, and stays.
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "build.h"
#include "epython/core.h"

// The bytes of the core, put here by the assembler.
extern const char stub_core_begin[];
extern const char stub_core_end[];
__asm__(".section .rodata.core,\"a\"\n"
        ".balign 16\n"
        "stub_core_begin: .incbin \"" STUB_CORE "\"\n"
        "stub_core_end:\n"
        ".previous\n");

static const struct core *core;

static void complain(const char *what, const char *why)
{
    fprintf(stderr, "mpykdump: %s: %s\n", what, why ? why : "unknown reason");
}

// Runs inside crash and nowhere else; its version decides what its header must have said.
static bool crash_fits(void)
{
    char *const *version = dlsym(RTLD_DEFAULT, "build_version");
    int major = 0;
    int minor = 0;
    int patch = 0;
    if (!version || !*version || sscanf(*version, "%d.%d.%d", &major, &minor, &patch) < 2) {
        complain("not loaded", "this is an extension of the crash utility (extend mpykdump.so)");
        return false;
    }
    if (major < 8 || (major == 8 && minor == 0 && patch < 1)) {
        complain("not loaded: it needs crash 8.0.1 or later, and this is crash", *version);
        return false;
    }
    return true;
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(fd, bytes, size);
        if (n <= 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

static const struct core *core_open(void)
{
    char path[64];
    int fd = memfd_create("mpykdump-core", MFD_CLOEXEC);
    if (fd < 0 || !write_all(fd, stub_core_begin, (size_t)(stub_core_end - stub_core_begin))) {
        complain("not loaded", "no memory for the core");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    // Global: Python's own extension modules look for libpython's functions there.
    void *handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
    if (!handle) {
        const char *why = dlerror();
        complain("not loaded", why);
        if (why && strstr(why, "libpython"))
            complain("it was built for Python " STUB_PYTHON ", install", "libpython" STUB_PYTHON);
        else if (why && strstr(why, "libbpf"))
            complain("install", "libbpf1");
        else if (why && strstr(why, "undefined symbol"))
            complain("it was built for crash " CRASH_HEADER_VERSION
                     ", this crash lacks a function; rebuild it here",
                     "make");
    }
    close(fd);
    return handle ? dlsym(handle, CORE_SYMBOL) : NULL;
}

__attribute__((constructor)) static void stub_load(void)
{
    Dl_info self;
    if (!crash_fits() || !dladdr(stub_core_begin, &self))
        return;
    const struct core *present = dlsym(RTLD_DEFAULT, CORE_SYMBOL);
    core = present ? present : core_open();
    if (!core)
        return;
    if (strcmp(core->build, MPYKDUMP_BUILD) != 0)
        complain("another build is in this session and stays, restart crash for this one",
                 core->build);
    if (!core->load(self.dli_fname))
        core = NULL;
}

__attribute__((destructor)) static void stub_unload(void)
{
    if (core)
        core->unload();
}
