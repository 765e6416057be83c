// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/dwarf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// libdwfl would look for the sections elsewhere, even on the network: the file given is all.
static int find_nothing(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                        const char *file, const char *link, GElf_Word checksum, char **found)
{
    return -1;
}

static int find_no_elf(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                       char **file, Elf **elf)
{
    return -1;
}

static bool open_linked(struct dwarf_file *file, const char *path, struct error *err)
{
    file->elf = libdw->elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
    file->dwarf = file->elf ? libdw->dwarf_begin_elf(file->elf, DWARF_C_READ, NULL) : NULL;
    if (!file->dwarf)
        return error_set(err, ERR_TYPE, "no DWARF in %.512s: %s", path, libdw->dwarf_errmsg(-1));
    return true;
}

static bool open_relocatable(struct dwarf_file *file, const char *path, struct error *err)
{
    static Dwfl_Callbacks callbacks = {
        .find_elf = find_no_elf,
        .find_debuginfo = find_nothing,
    };
    Dwarf_Addr bias;
    callbacks.section_address = libdw->dwfl_offline_section_address;
    file->dwfl = libdw->dwfl_begin(&callbacks);
    // The descriptor is libdwfl's from here on.
    int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
    Dwfl_Module *module = NULL;
    if (file->dwfl)
        module = libdw->dwfl_report_offline(file->dwfl, path, path, fd);
    if (!module)
        close(fd);
    else if (libdw->dwfl_report_end(file->dwfl, NULL, NULL) == 0)
        file->dwarf = libdw->dwfl_module_getdwarf(module, &bias);
    if (!file->dwarf)
        return error_set(err, ERR_TYPE, "no DWARF in %.512s: %s", path, libdw->dwfl_errmsg(-1));
    return true;
}

// What the two functions below are asked for a loaded file.
struct loaded {
    int fd;
    const struct dwarf_sections *sections;
};

static int find_opened(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                       char **found, Elf **elf)
{
    // The descriptor is libdwfl's from here on.
    return fcntl(((struct loaded *)*data)->fd, F_DUPFD_CLOEXEC, 0);
}

static int section_address(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                           const char *section, GElf_Word number, const GElf_Shdr *header,
                           Dwarf_Addr *address)
{
    const struct dwarf_sections *sections = ((struct loaded *)*data)->sections;
    *address = (Dwarf_Addr)-1; // it was not loaded
    for (size_t i = 0; i < sections->count; i++) {
        if (!strcmp(sections->names[i], section))
            *address = sections->addresses[i];
    }
    return DWARF_CB_OK;
}

static bool open_loaded(struct dwarf_file *file, const char *path,
                        const struct dwarf_sections *sections, struct error *err)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = find_opened,
        .find_debuginfo = find_nothing,
        .section_address = section_address,
    };
    struct loaded loaded = {file->fd, sections};
    void **data;
    Dwarf_Addr bias;
    file->dwfl = libdw->dwfl_begin(&callbacks);
    Dwfl_Module *module =
        file->dwfl ? libdw->dwfl_report_module(file->dwfl, path, 0, UINT64_MAX) : NULL;
    if (module && libdw->dwfl_report_end(file->dwfl, NULL, NULL) == 0 &&
        libdw->dwfl_module_info(module, &data, NULL, NULL, NULL, NULL, NULL, NULL)) {
        *data = &loaded;
        file->dwarf = libdw->dwfl_module_getdwarf(module, &bias);
        *data = NULL;
    }
    if (!file->dwarf)
        return error_set(err, ERR_TYPE, "no DWARF in %.512s: %s", path, libdw->dwfl_errmsg(-1));
    return true;
}

static bool is_relocatable(int fd)
{
    Elf64_Ehdr header;
    return pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
           !memcmp(header.e_ident, ELFMAG, SELFMAG) && header.e_type == ET_REL;
}

static void identify(struct dwarf_file *file, uint64_t size)
{
    const void *bytes;
    ssize_t count = libdw->dwelf_elf_gnu_build_id(libdw->dwarf_getelf(file->dwarf), &bytes);
    file->identity = (struct dwarf_identity){.file_size = size};
    if (count <= 0 || count > BUILD_ID_MAX)
        return;
    memcpy(file->identity.build_id, bytes, (size_t)count);
    file->identity.build_id_size = (size_t)count;
}

static bool open_any(struct dwarf_file *file, const char *path,
                     const struct dwarf_sections *sections, struct error *err)
{
    if (!is_relocatable(file->fd))
        return open_linked(file, path, err);
    return sections ? open_loaded(file, path, sections, err) : open_relocatable(file, path, err);
}

bool dwarf_file_open_loaded(struct dwarf_file *file, const char *path,
                            const struct dwarf_sections *sections, struct error *err)
{
    struct stat status;
    *file = (struct dwarf_file){.fd = -1};
    if (!libdw_load(err))
        return false;
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &status) < 0) {
        error_set(err, ERR_TYPE, "%.512s cannot be read: %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        error_set(err, ERR_TYPE, "%.512s is not a file", path);
    } else if (open_any(file, path, sections, err)) {
        identify(file, (uint64_t)status.st_size);
        return true;
    }
    dwarf_file_close(file);
    return false;
}

bool dwarf_file_open(struct dwarf_file *file, const char *path, struct error *err)
{
    return dwarf_file_open_loaded(file, path, NULL, err);
}

bool dwarf_file_section(struct dwarf_file *file, const char *name, uint64_t *address)
{
    Elf *elf = libdw->dwarf_getelf(file->dwarf);
    GElf_Shdr header;
    size_t names;
    if (libdw->elf_getshdrstrndx(elf, &names) != 0)
        return false;
    for (Elf_Scn *section = libdw->elf_nextscn(elf, NULL); section;
         section = libdw->elf_nextscn(elf, section)) {
        if (!libdw->gelf_getshdr(section, &header))
            continue;
        const char *found = libdw->elf_strptr(elf, names, header.sh_name);
        if (found && !strcmp(found, name)) {
            *address = header.sh_addr;
            return true;
        }
    }
    return false;
}

void dwarf_file_close(struct dwarf_file *file)
{
    if (file->dwfl)
        libdw->dwfl_end(file->dwfl);
    else if (file->dwarf)
        libdw->dwarf_end(file->dwarf);
    if (file->elf)
        libdw->elf_end(file->elf);
    if (file->fd > 0)
        close(file->fd);
    *file = (struct dwarf_file){.fd = -1};
}
