// SPDX-License-Identifier: GPL-3.0-or-later
#include "stacks/returns.h"

#include <inttypes.h>
#include <string.h>

#include "host/host.h"
#include "memory/cache.h"
#include "symbols/symbols.h"
#include "types/path.h"
#include "types/types.h"

enum {
    RET_STACK_BYTES = 4096, // what the kernel gives a task at most
    MAX_PROBES = 4096,      // of one task
};

// How the kernel remembers what it has replaced.
struct trampoline {
    const char *symbol;
    bool (*find)(const struct trampoline *how, uint64_t task, uint64_t at, uint64_t *ip);
    const char *head; // of struct task_struct: the list of probes
    const char *node; // the struct in it
    const char *place;
    uint64_t address; // 0: the kernel has none
};

static bool graph_find(const struct trampoline *how, uint64_t task, uint64_t at, uint64_t *ip);
static bool probe_find(const struct trampoline *how, uint64_t task, uint64_t at, uint64_t *ip);

static struct trampoline trampolines[] = {
    {.symbol = "return_to_handler", .find = graph_find},
    // 5.18: f3a112c0c40d ("x86,rethook,kprobes: Replace kretprobe with rethook on x86")
    {.symbol = "arch_rethook_trampoline",
     .find = probe_find,
     .head = "rethooks.first",
     .node = "struct rethook_node",
     .place = "frame"},
    {.symbol = "__kretprobe_trampoline",
     .find = probe_find,
     .head = "kretprobe_instances.first",
     .node = "struct kretprobe_instance",
     .place = "fp"},
    // before 5.16
    {.symbol = "kretprobe_trampoline",
     .find = probe_find,
     .head = "kretprobe_instances.first",
     .node = "struct kretprobe_instance",
     .place = "fp"},
};
enum { TRAMPOLINES = sizeof(trampolines) / sizeof(*trampolines) };

static bool known;

static bool trampolines_find(struct error *err)
{
    if (known)
        return true;
    for (int i = 0; i < TRAMPOLINES; i++) {
        struct host_symbol symbol;
        trampolines[i].address = symbols_find(trampolines[i].symbol, &symbol) ? symbol.address : 0;
    }
    if (host_interrupted())
        return error_set(err, ERR_INTERRUPTED, "interrupted");
    known = true;
    return true;
}

static bool member_read(uint64_t base, const struct path_field *field, uint64_t *word)
{
    *word = 0;
    return field->size <= sizeof(*word) &&
           cache_read_word(base + field->offset, field->size, word, NULL);
}

// Are the entries of ret_stack structs? Since 6.11 (42675b723b48) they are among plain words.
static bool graph_has_structs(void)
{
    struct error ignored;
    struct path path;
    const struct type *task = types_find("struct task_struct", &ignored);
    return task && path_compile(task, "ret_stack.retp", strlen("ret_stack.retp"), &path, &ignored);
}

// The function graph tracer: entries of a stack beside the stack, which say where they belong.
static bool graph_find(const struct trampoline *how, uint64_t task, uint64_t at, uint64_t *ip)
{
    struct path_field stack[] = {{.name = "ret_stack"}, {.name = "curr_ret_stack"}};
    struct path_field entry[] = {{.name = "ret"}, {.name = "retp"}};
    struct error ignored;
    uint64_t bytes[RET_STACK_BYTES / sizeof(uint64_t)];
    uint64_t base;
    uint64_t top;
    const struct type *type = types_find("struct ftrace_ret_stack", &ignored);
    if (!type || !path_fields("struct task_struct", stack, 2, &ignored) ||
        !path_fields("struct ftrace_ret_stack", entry, 2, &ignored) ||
        !member_read(task, &stack[0], &base) || !member_read(task, &stack[1], &top))
        return false;
    bool structs = graph_has_structs();
    uint64_t stride = structs ? type->size : sizeof(uint64_t);
    // structs: the index of the last; words: how many there are. -1 as an int: none
    uint64_t count = (uint32_t)top + structs;
    if (!stride || !base || count > sizeof(bytes) / stride ||
        !cache_read(base, bytes, count * stride, NULL))
        return false;
    const uint8_t *first = (const uint8_t *)bytes;
    for (uint64_t i = count; i-- > 0;) {
        uint64_t words[2];
        for (int member = 0; member < 2; member++) {
            uint64_t offset = i * stride + entry[member].offset;
            if (offset + sizeof(uint64_t) > count * stride)
                words[member] = 0;
            else
                memcpy(&words[member], first + offset, sizeof(uint64_t));
        }
        // several tracers may have replaced it one after the other
        if (words[1] == at && words[0] != how->address) {
            *ip = words[0];
            return true;
        }
    }
    return false;
}

// Return probes: a list of those that wait for their function to return, the last first.
static bool probe_find(const struct trampoline *how, uint64_t task, uint64_t at, uint64_t *ip)
{
    struct path_field head = {.name = how->head};
    struct path_field fields[] = {
        {.name = "llist.next"}, {.name = how->place}, {.name = "ret_addr"}};
    struct error ignored;
    uint64_t node;
    if (!path_fields("struct task_struct", &head, 1, &ignored) ||
        !path_fields(how->node, fields, 3, &ignored) || !member_read(task, &head, &node))
        return false;
    for (int i = 0; node && i < MAX_PROBES; i++) {
        uint64_t probe = node - fields[0].offset;
        uint64_t place;
        uint64_t address;
        if (!member_read(probe, &fields[0], &node) || !member_read(probe, &fields[1], &place) ||
            !member_read(probe, &fields[2], &address))
            return false;
        // several probes of one function: the real address is with the first of them
        if (place == at && address != how->address) {
            *ip = address;
            return true;
        }
    }
    return false;
}

static const struct trampoline *trampoline_at(uint64_t address)
{
    for (int i = 0; i < TRAMPOLINES; i++) {
        if (address && address == trampolines[i].address)
            return &trampolines[i];
    }
    return NULL;
}

bool returns_restore(uint64_t task, uint64_t at, uint64_t *ip, struct error *err)
{
    if (!trampolines_find(err))
        return false;
    const struct trampoline *how = trampoline_at(*ip);
    // one kind may have replaced the address of another, each once
    for (int i = 0; how && i < TRAMPOLINES; i++) {
        if (!task || !how->find(how, task, at, ip))
            break;
        how = trampoline_at(*ip);
    }
    return !how || error_set_at(err, ERR_DAMAGED, at,
                                "%s has replaced the return address at 0x%" PRIx64
                                ", and the real one is not known",
                                how->symbol, at);
}

void returns_forget(void)
{
    known = false;
}
