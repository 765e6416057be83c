// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/module_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "types/module_search.h"

enum { MAX_NAME = 256 };

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static void end_elf(Elf **elf)
{
    if (*elf)
        libdw->elf_end(*elf);
}

// What a file says of itself.
struct facts {
    struct module_image module;        // name "" and no build ID where it does not tell
    char release[MODULE_VERSION_SIZE]; // of the kernel it is for
    bool has_debug;
};

// ---- reading ------------------------------------------------------------------------------------

// Takes "key=text" out of .modinfo, in which such lines are ended by NULs.
static void take_line(const char *line, size_t length, const char *key, char *text, size_t size)
{
    size_t key_length = strlen(key);
    if (length > key_length && !strncmp(line, key, key_length) && line[key_length] == '=')
        snprintf(text, size, "%.*s", (int)(length - key_length - 1), line + key_length + 1);
}

static void take_modinfo(const char *bytes, size_t size, struct facts *facts)
{
    for (size_t at = 0; at < size;) {
        size_t length = strnlen(bytes + at, size - at);
        if (length < MAX_NAME) {
            take_line(bytes + at, length, "name", facts->module.name, MODULE_NAME_SIZE);
            take_line(bytes + at, length, "srcversion", facts->module.srcversion,
                      MODULE_VERSION_SIZE);
            take_line(bytes + at, length, "vermagic", facts->release, sizeof(facts->release));
        }
        at += length + 1;
    }
    facts->release[strcspn(facts->release, " ")] = '\0';
}

static void take_section(Elf *elf, Elf_Scn *section, size_t names, struct facts *facts)
{
    GElf_Shdr header;
    if (!libdw->gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
        return;
    const char *name = libdw->elf_strptr(elf, names, header.sh_name);
    if (!name)
        return;
    if (!strcmp(name, ".debug_info") || !strcmp(name, ".zdebug_info"))
        facts->has_debug = header.sh_size > 0;
    bool modinfo = !strcmp(name, ".modinfo");
    Elf_Data *data = NULL;
    if (modinfo || !strcmp(name, ".note.gnu.build-id"))
        data = libdw->elf_rawdata(section, NULL);
    if (!data || !data->d_buf)
        return;
    if (modinfo)
        take_modinfo(data->d_buf, data->d_size, facts);
    else
        module_image_build_id(data->d_buf, data->d_size, &facts->module);
}

static bool read_facts(int fd, struct facts *facts)
{
    Elf *elf SCOPED(end_elf) = libdw->elf_begin(fd, ELF_C_READ_MMAP, NULL);
    size_t names;
    *facts = (struct facts){0};
    if (!elf || libdw->elf_getshdrstrndx(elf, &names) != 0)
        return false;
    for (Elf_Scn *section = NULL; (section = libdw->elf_nextscn(elf, section));)
        take_section(elf, section, names, facts);
    return true;
}

// ---- judging ------------------------------------------------------------------------------------

// NULL, or how the file is packed.
static const char *packed_with(int fd)
{
    static const struct {
        const char *program;
        size_t size;
        const char *magic;
    } ways[] = {{"xz", 6,
                 "\xfd"
                 "7zXZ\0"},
                {"gzip", 2, "\x1f\x8b"},
                {"zstd", 4, "\x28\xb5\x2f\xfd"}};
    char start[8] = {0};
    if (pread(fd, start, sizeof(start), 0) < 0)
        return NULL;
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        if (!memcmp(start, ways[i].magic, ways[i].size))
            return ways[i].program;
    }
    return NULL;
}

static void hex(const struct module_image *module, char text[2 * BUILD_ID_MAX + 1])
{
    text[0] = '\0';
    for (size_t i = 0; i < module->build_id_size; i++)
        sprintf(text + 2 * i, "%02x", module->build_id[i]);
}

// Whether all that both tell is the same; a build ID decides alone.
static bool belongs(const char *path, const struct facts *file, const struct module_image *module,
                    const char *release, struct error *reason)
{
    const struct module_image *told = &file->module;
    if (*told->name && !module_names_match(told->name, module->name, MODULE_NAME_SIZE))
        return error_set(reason, ERR_VALUE, "%.512s is a file of the module %s, not of %s", path,
                         told->name, module->name);
    if (told->build_id_size && module->build_id_size) {
        char theirs[2 * BUILD_ID_MAX + 1];
        char ours[2 * BUILD_ID_MAX + 1];
        if (told->build_id_size == module->build_id_size &&
            !memcmp(told->build_id, module->build_id, module->build_id_size))
            return true;
        hex(told, theirs);
        hex(module, ours);
        return error_set(reason, ERR_VALUE,
                         "%.512s is of another build of %s: its build ID is %s, that of the module "
                         "in the dump %s",
                         path, module->name, theirs, ours);
    }
    if (*told->srcversion && *module->srcversion && strcmp(told->srcversion, module->srcversion))
        return error_set(reason, ERR_VALUE,
                         "%.512s is of another build of %s: its srcversion is %s, that of the "
                         "module in the dump %s",
                         path, module->name, told->srcversion, module->srcversion);
    if (*file->release && strcmp(file->release, release) != 0)
        return error_set(reason, ERR_VALUE, "%.512s is for the kernel %s, the dump is of %s", path,
                         file->release, release);
    return true;
}

enum module_file_kind module_file_check(const char *path, const struct module_image *module,
                                        const char *release, struct dwarf_identity *identity,
                                        struct error *reason)
{
    struct stat status;
    struct facts facts;
    if (!libdw_load(reason))
        return MODULE_FILE_UNUSABLE;
    // What else than a file may be there must not make us wait.
    int fd SCOPED(close_fd) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0) {
        error_set(reason, ERR_VALUE, "%.512s cannot be read: %s", path, strerror(errno));
        return MODULE_FILE_UNUSABLE;
    }
    const char *packed = S_ISREG(status.st_mode) ? packed_with(fd) : NULL;
    if (packed) {
        error_set(reason, ERR_VALUE,
                  "%.512s is compressed, which is not supported: unpack it with %s -d", path,
                  packed);
        return MODULE_FILE_UNUSABLE;
    }
    if (!S_ISREG(status.st_mode) || !read_facts(fd, &facts)) {
        error_set(reason, ERR_VALUE, "%.512s is not the file of a module", path);
        return MODULE_FILE_UNUSABLE;
    }
    if (!belongs(path, &facts, module, release, reason))
        return MODULE_FILE_FOREIGN;
    if (!facts.has_debug) {
        error_set(reason, ERR_VALUE, "%.512s has no debug information", path);
        return MODULE_FILE_STRIPPED;
    }
    *identity = (struct dwarf_identity){.file_size = (uint64_t)status.st_size,
                                        .build_id_size = facts.module.build_id_size};
    memcpy(identity->build_id, facts.module.build_id, facts.module.build_id_size);
    return MODULE_FILE_FITS;
}
