// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/index_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
    MAX_STORED = 64 << 20, // bytes of all indexes together
    MAX_FILES = 4096,      // looked at when making room
    STALE_PART = 3600,     // seconds after which an unfinished file is nobody's
    NAME_SIZE = 2 * BUILD_ID_MAX + 32,
};

static const char suffix[] = ".index";
static const char part_suffix[] = ".part";

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define AUTO_CLOSE SCOPED(close_fd)

// Ours, and nobody else may write to it.
static bool is_private(const struct stat *status)
{
    return status->st_uid == geteuid() && !(status->st_mode & (S_IWGRP | S_IWOTH));
}

// ---- the directory ------------------------------------------------------------------------------

// A directory within another, made if wanted. Where links lead does not matter: the owner of what
// is found in the end does.
static int open_below(int parent, const char *name, bool make)
{
    if (make)
        mkdirat(parent, name, S_IRWXU);
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// The directory of the indexes; -1 with the reason.
static int directory_open(bool make, struct error *reason)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int base AUTO_CLOSE = -1;
    // Relative paths in it are to be ignored, says its specification.
    if (cache && *cache == '/') {
        if (make)
            mkdir(cache, S_IRWXU);
        base = open(cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } else if (home && *home == '/') {
        int root AUTO_CLOSE = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        base = root < 0 ? -1 : open_below(root, ".cache", make);
    }
    int ours AUTO_CLOSE = base < 0 ? -1 : open_below(base, "mpykdump", make);
    int directory = ours < 0 ? -1 : open_below(ours, "dwarf", make);
    struct stat status;
    if (directory < 0) {
        error_set(reason, ERR_VALUE, "there is no directory for indexes");
        return -1;
    }
    if (fstat(directory, &status) < 0 || !is_private(&status)) {
        close(directory);
        error_set(reason, ERR_VALUE, "the directory for indexes belongs to others");
        return -1;
    }
    return directory;
}

// "<build ID>.index"; false for a file without build ID.
static bool file_name(const struct dwarf_identity *identity, char *name, struct error *reason)
{
    for (size_t i = 0; i < identity->build_id_size; i++)
        name += sprintf(name, "%02x", identity->build_id[i]);
    strcpy(name, suffix);
    return identity->build_id_size || error_set(reason, ERR_VALUE, "the file has no build ID");
}

// ---- loading ------------------------------------------------------------------------------------

static bool read_all(int fd, char *bytes, size_t size)
{
    while (size) {
        ssize_t count = read(fd, bytes, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

bool index_file_load(struct dwarf_index *index, const struct dwarf_identity *identity,
                     struct error *reason)
{
    char name[NAME_SIZE];
    struct stat status;
    if (!file_name(identity, name, reason))
        return false;
    int directory AUTO_CLOSE = directory_open(false, reason);
    if (directory < 0)
        return false;
    int fd AUTO_CLOSE = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(reason, ERR_VALUE, "%s: %s", name, strerror(errno));
    if (!S_ISREG(status.st_mode) || !is_private(&status))
        return error_set(reason, ERR_VALUE, "%s belongs to others", name);
    if (status.st_size <= 0 || status.st_size > MAX_STORED)
        return error_set(reason, ERR_VALUE, "%s has an impossible size", name);
    char *bytes AUTO_FREE = malloc((size_t)status.st_size);
    if (!bytes)
        return error_set_no_memory(reason);
    if (!read_all(fd, bytes, (size_t)status.st_size))
        return error_set(reason, ERR_VALUE, "%s cannot be read", name);
    if (!dwarf_index_adopt(index, bytes, (size_t)status.st_size, identity, reason))
        return false;
    TRANSFER(bytes);
    // It is in use: others go before it when room is made.
    futimens(fd, NULL);
    return true;
}

// ---- storing ------------------------------------------------------------------------------------

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t count = write(fd, bytes, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

struct stored {
    char name[NAME_SIZE];
    time_t time;
    off_t size;
};

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name);
    return length > strlen(end) && !strcmp(name + length - strlen(end), end);
}

// What is there; unfinished files that nobody can be writing any more are removed.
static size_t list_stored(int directory, struct stored *items)
{
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    size_t count = 0;
    if (!stream) {
        if (copy >= 0)
            close(copy);
        return 0;
    }
    for (struct dirent *entry; count < MAX_FILES && (entry = readdir(stream));) {
        struct stored *item = &items[count];
        struct stat status;
        if (strlen(entry->d_name) >= sizeof(item->name) ||
            fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(status.st_mode))
            continue;
        if (ends_with(entry->d_name, part_suffix) && status.st_mtime < time(NULL) - STALE_PART)
            unlinkat(directory, entry->d_name, 0);
        if (!ends_with(entry->d_name, suffix))
            continue;
        strcpy(item->name, entry->d_name);
        item->time = status.st_mtime;
        item->size = status.st_size;
        count++;
    }
    closedir(stream);
    return count;
}

static int by_age(const void *one, const void *other)
{
    time_t a = ((const struct stored *)one)->time;
    time_t b = ((const struct stored *)other)->time;
    return a < b ? -1 : a > b;
}

// Removes the oldest until the rest and what is coming fit.
static void make_room(int directory, const char *coming, size_t size)
{
    struct stored *items AUTO_FREE = calloc(MAX_FILES, sizeof(*items));
    if (!items)
        return;
    size_t count = list_stored(directory, items);
    uint64_t total = size;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i].name, coming) != 0)
            total += (uint64_t)items[i].size;
    }
    qsort(items, count, sizeof(*items), by_age);
    for (size_t i = 0; i < count && total > MAX_STORED; i++) {
        if (strcmp(items[i].name, coming) != 0 && unlinkat(directory, items[i].name, 0) == 0)
            total -= (uint64_t)items[i].size;
    }
}

bool index_file_store(const struct dwarf_index *index, const struct dwarf_identity *identity,
                      struct error *reason)
{
    char name[NAME_SIZE];
    char part[NAME_SIZE];
    if (!file_name(identity, name, reason))
        return false;
    if (index->size > MAX_STORED)
        return error_set(reason, ERR_VALUE, "the index is too large to keep");
    int directory AUTO_CLOSE = directory_open(true, reason);
    if (directory < 0)
        return false;
    make_room(directory, name, index->size);
    // Two sessions may do this at once: each writes its own, the last one wins.
    snprintf(part, sizeof(part), ".%.8s.%ld%s", name, (long)getpid(), part_suffix);
    unlinkat(directory, part, 0);
    int fd = openat(directory, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    S_IRUSR | S_IWUSR);
    if (fd < 0)
        return error_set(reason, ERR_VALUE, "%s: %s", part, strerror(errno));
    bool written = write_all(fd, (const char *)index->header, index->size);
    written = close(fd) == 0 && written;
    if (written && renameat(directory, part, directory, name) == 0)
        return true;
    error_set(reason, ERR_VALUE, "%s: %s", name, strerror(errno));
    unlinkat(directory, part, 0);
    return false;
}
