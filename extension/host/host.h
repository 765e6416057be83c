// SPDX-License-Identifier: GPL-3.0-or-later
// The door to the host: everything that crash gives us, and nothing else of it is visible above.
//
// Two implementations: this folder's, over crash, and tests/host_image, over a plain memory image.
// Whatever the host does inside (longjmp, C++ exceptions, signal handlers of its own) ends here:
// every function returns, and a failure is a value. No function may be called from another thread
// than the one that loaded the plug-in (ERR_THREAD).
#ifndef MPYKDUMP_HOST_HOST_H
#define MPYKDUMP_HOST_HOST_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

// ---- memory --------------------------------------------------------------------------------

// The address spaces; the numbers are those of crash's memory types, which programs pass through.
enum host_space {
    HOST_KERNEL = 0x1,
    HOST_USER = 0x2, // of the task chosen with host_task_select
    HOST_PHYSICAL = 0x4,
    HOST_XEN_MACHINE = 0x8,
    HOST_FILE = 0x10,    // reads of neither kind are possible
    HOST_AMBIGUOUS = -1, // what crash's own commands call an address of which they know no more
};

enum { HOST_PAGE_SIZE = 4096 };

// Reads exactly size bytes. ERR_FAULT names the address asked for.
bool host_read(enum host_space space, uint64_t address, void *buffer, size_t size,
               struct error *err);

// Translates a user virtual address of a task (address of its task_struct) to a physical one.
bool host_translate(uint64_t task, uint64_t address, uint64_t *physical, struct error *err);

// A range of kernel addresses, [start, end).
struct host_range {
    uint64_t start;
    uint64_t end;
    const char *name; // "direct map", "vmalloc", "vmemmap", "kernel", "modules"
};

enum { HOST_MAX_RANGES = 8 };

// The ranges that the kernel's address space is made of, ascending; returns their number.
size_t host_ranges(struct host_range ranges[HOST_MAX_RANGES]);

// ---- symbols -------------------------------------------------------------------------------

struct host_symbol {
    const char *name; // the host's, valid for the session
    uint64_t address;
    char type; // as nm prints it
};

// The first symbol of that name. False when there is none (not an error).
bool host_symbol_find(const char *name, struct host_symbol *symbol);

// The symbol at or below an address, and the distance. False when no symbol covers it.
bool host_symbol_at(uint64_t address, struct host_symbol *symbol, uint64_t *offset);

// The name of the module whose text or data holds an address, or NULL.
const char *host_module_at(uint64_t address);

// The file that the host has loaded the symbols of a module from, by the module's name; or NULL.
const char *host_module_file(const char *name);

// Calls visit for every symbol of the kernel, then of each module, each in the order of their
// addresses; stops when it returns false. False when the host cannot enumerate its symbols.
typedef bool (*host_symbol_visitor)(const struct host_symbol *symbol, void *context);
bool host_symbols_each(host_symbol_visitor visit, void *context);

// Changes when the host's symbols have changed, and names may have been freed.
uint64_t host_symbols_signature(void);

// ---- commands ------------------------------------------------------------------------------

// Text that a command printed. Freed with host_text_free; not NUL-free, but NUL-terminated.
struct host_text {
    char *bytes;
    size_t size;
};

void host_text_free(struct host_text *text);

// Runs one crash command line and captures what it prints. On an error of the command (ERR_HOST)
// the text printed so far is still delivered.
bool host_command(const char *line, struct host_text *text, struct error *err);

// The same for a gdb command. gdb gives no text for its errors.
bool host_gdb(const char *line, struct host_text *text, struct error *err);

// Runs a command in a forked child: what it prints, errors too, is written to a descriptor at once.
bool host_command_to(const char *line, int fd, struct error *err);

// Where the host prints its errors: "default", "redirect" (with the other output) or a file.
// Delivers the target before; "" where the host has no such setting. ERR_HOST for a bad file.
bool host_error_target(const char *target, char *before, size_t size, struct error *err);

// ---- the dump ------------------------------------------------------------------------------

struct host_info {
    const char *dump_file;   // path as given, or the live memory source
    const char *namelist;    // the file with symbols and types, may be NULL
    const char *module_tree; // the folder that files of modules are in, if the host was told one
    const char *machine;
    char release[65];
    const char *host_version; // of the running host
    const char *host_built;   // of the host whose header the plug-in was built with
    bool live;
    unsigned cpus;
    unsigned hz;
    unsigned page_shift;
};

void host_info_get(struct host_info *info);

// ---- tasks ---------------------------------------------------------------------------------

// Address of the task_struct of a PID in the host's table, 0 if none.
uint64_t host_task_of_pid(uint64_t pid);
// PID of a task_struct. False when the host does not know the task.
bool host_pid_of_task(uint64_t task, uint64_t *pid);
bool host_task_active(uint64_t task);

// Directs HOST_USER reads at a task's address space; 0 goes back to the one before.
bool host_task_select(uint64_t task, struct error *err);

struct host_task_memory {
    uint64_t total_kib;
    uint64_t resident_kib;
};
bool host_task_memory(uint64_t task, struct host_task_memory *memory, struct error *err);

// Finds out whether the host's task table misses tasks that the kernel had, and mends the known
// cause. Returns a one-line report in `note` when something was done or is wrong, else "".
void host_tasks_repair(char *note, size_t size);

// ---- answers that only the host's own code has ----------------------------------------------

bool host_path(uint64_t dentry, uint64_t mount, char *path, size_t size, struct error *err);
bool host_enumerator(const char *name, int64_t *value);
uint64_t host_uptime_jiffies(void);
bool host_phys_to_page(uint64_t physical, uint64_t *page, struct error *err);

// ---- output --------------------------------------------------------------------------------

enum host_output_kind { HOST_OUTPUT_TERMINAL, HOST_OUTPUT_PIPE, HOST_OUTPUT_FILE };

// Writes to where the current command's output goes. Returns 0 or an errno value: EPIPE when the
// reader has gone, EINTR when a signal is to be handled before the rest is written. `taken` bytes
// of it are not to be written again.
int host_output_write(const void *bytes, size_t size, size_t *taken);
int host_output_flush(void);
int host_output_fileno(void);
enum host_output_kind host_output_kind(void);

// When the output goes through the pager that the host has put before the terminal: waits until it
// has been left, and sends the rest of the command's output to the terminal itself. Else nothing.
void host_output_leave_pager(void);

// ---- commands of our own ---------------------------------------------------------------------

struct host_registration {
    const char *name;
    const char *summary;
    const char *synopsis; // what follows the name in a usage line
    const char *help;     // lines separated by newlines
};

// Adds a command to the host's. False (ERR_VALUE) when the host already has one of that name.
bool host_command_register(const struct host_registration *registration, struct error *err);

// The names registered so far; `index` past the end gives NULL.
const char *host_command_name(size_t index);

// ---- interrupts ------------------------------------------------------------------------------

// The embedder's side of a Ctrl-C: `raise` is called from a signal handler and must only note it;
// `check` is called in long loops, and true means that the operation is to end (ERR_INTERRUPTED).
struct host_interrupt_hooks {
    void (*raise)(void);
    bool (*check)(void);
};

// Takes the hooks, and the present disposition of SIGINT as the one that programs run with.
void host_interrupts_adopt(const struct host_interrupt_hooks *hooks);

// True when the running operation should end with ERR_INTERRUPTED.
bool host_interrupted(void);

// Around a program: takes over SIGINT for the embedder, and gives it back to the host. Nests, each
// pair with an entry of its own.
struct host_entry {
    struct sigaction sigint;
    struct sigaction gdb_sigint;
};

void host_enter(struct host_entry *entry);
void host_leave(struct host_entry *entry);

// From now on `call` is called after a signal has arrived while the host waits for a command, in
// the host's thread and outside of any handler. NULL: no more.
void host_prompt_watch(void (*call)(void));

// In a forked child: gives it file offsets of its own, so that it does not disturb the parent.
void host_after_fork(void);

#endif
