// SPDX-License-Identifier: GPL-3.0-or-later
// The host of the engine's tests: a plain memory image that implements host/host.h without crash.
//
// Here is how a test says what the image holds; module.c offers it to Python. Everything is
// copied. Adding fails with an error value when a table is full or an entry makes no sense.
#ifndef MPYKDUMP_HOST_IMAGE_IMAGE_H
#define MPYKDUMP_HOST_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "host/host.h"

enum { IMAGE_MAX = 1024 }; // entries of any one table

// ---- memory: kernel and physical regions; user memory is physical memory behind translations ----

bool image_region_add(enum host_space space, uint64_t address, const void *bytes, size_t size,
                      struct error *err);

// What is wrong with addresses that no region holds: excluded or absent. Unmapped is the rest.
bool image_hole_add(uint64_t address, size_t size, enum error_code reason, struct error *err);

// A range of the kernel's address space, [start, end); to be added in ascending order.
bool image_range_add(const char *name, uint64_t start, uint64_t end, struct error *err);

// Changes memory that is there.
bool image_memory_write(enum host_space space, uint64_t address, const void *bytes, size_t size,
                        struct error *err);

// How often host_read was called.
uint64_t image_read_count(void);

// SIGINT comes in the n-th read from now; 0 cancels.
void image_interrupt_after(uint64_t reads);

// The page at `address` of the task is the physical one at `physical`.
bool image_translation_add(uint64_t task, uint64_t address, uint64_t physical, struct error *err);

// ---- symbols ---------------------------------------------------------------------------------

bool image_symbol_add(const char *name, uint64_t address, uint64_t size, char type,
                      struct error *err);
bool image_module_add(const char *name, uint64_t address, uint64_t size, struct error *err);

// ---- tasks -----------------------------------------------------------------------------------

struct image_task {
    uint64_t address;
    uint64_t pid;
    bool active;
    struct host_task_memory memory;
};

bool image_task_add(const struct image_task *task, struct error *err);

// The task that user memory is read from, 0 for none.
uint64_t image_task_selected(void);

// ---- commands, of crash and of gdb --------------------------------------------------------------

// What a command line prints, and whether it fails after that.
bool image_command_add(bool gdb, const char *line, const void *text, size_t size, bool fails,
                       struct error *err);

// ---- the dump, and what only the host's own code knows -----------------------------------------

struct image_info {
    char *dump_file;
    char *namelist;
    char *module_tree;
    bool live;
    unsigned cpus;
    unsigned hz;
    uint64_t uptime_jiffies;
    uint64_t mem_map; // address of the struct page of physical page 0
};

// Strings in it are the image's own: replace them with free and strdup.
struct image_info *image_info(void);

bool image_path_add(uint64_t dentry, uint64_t mount, const char *path, struct error *err);
bool image_enumerator_add(const char *name, int64_t value, struct error *err);

// ---- output ----------------------------------------------------------------------------------

// What was written; `size` gets its length. Valid until the next write.
const char *image_output(size_t *size);
void image_output_clear(void);

// Where output goes, and the errno value that writing fails with, 0 for none.
void image_output_set(enum host_output_kind kind, int reason);

// ---- all of it -------------------------------------------------------------------------------

void image_memory_reset(void);
void image_symbols_reset(void);
void image_tasks_reset(void);
void image_commands_reset(void);
void image_info_reset(void);

#endif
