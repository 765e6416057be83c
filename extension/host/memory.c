// SPDX-License-Identifier: GPL-3.0-or-later
// Reading the dump's memory through crash.
#include <inttypes.h>
#include <string.h>

#include "host/capture.h"
#include "host/crash.h"
#include "host/host.h"
#include "host/trap.h"

struct read_call {
    uint64_t address;
    int space;
    void *buffer;
    long size;
    int ok;
    enum error_code reason;
};

static void read_run(void *argument)
{
    struct read_call *call = argument;
    call->ok = readmem(call->address, call->space, call->buffer, call->size, "mpykdump",
                       RETURN_ON_ERROR | QUIET);
}

// readmem only says no. Asking its two steps again tells which of them failed.
static void reason_run(void *argument)
{
    struct read_call *call = argument;
    physaddr_t physical = call->address;
    char byte;

    call->reason = ERR_UNMAPPED;
    if (call->space == KVADDR && !kvtop(NULL, call->address, &physical, 0))
        return;
    if (call->space == UVADDR && !uvtop(CURRENT_CONTEXT(), call->address, &physical, 0))
        return;
    int got = READMEM(ACTIVE() ? pc->mfd : pc->dfd, &byte, 1, call->address, physical);
    call->reason = got == PAGE_EXCLUDED ? ERR_EXCLUDED : got == 1 ? ERR_FAULT : ERR_ABSENT;
}

static const char *reason_text(enum error_code reason)
{
    if (reason == ERR_UNMAPPED)
        return ": not mapped";
    if (reason == ERR_EXCLUDED)
        return ": page excluded from the dump";
    return reason == ERR_ABSENT ? ": page not in the dump" : "";
}

bool host_read(enum host_space space, uint64_t address, void *buffer, size_t size,
               struct error *err)
{
    if (size > LONG_MAX)
        return error_set(err, ERR_VALUE, "a read of %zu bytes is too large", size);
    struct read_call call = {
        .address = address, .space = (int)space, .buffer = buffer, .size = (long)size};
    // readmem gives up on bad addresses by returning, on bad page tables by jumping.
    struct error jumped;
    if (!host_trap(read_run, &call, TRAP_PLAIN, &jumped) && jumped.code != ERR_HOST) {
        if (err)
            *err = jumped;
        return false;
    }
    if (call.ok)
        return true;
    if (!capture_ask(reason_run, &call, NULL))
        call.reason = ERR_FAULT;
    return error_set_at(err, call.reason, address,
                        "readmem error at addr 0x%" PRIx64 ", reading %zu bytes%s", address, size,
                        reason_text(call.reason));
}

struct translate_call {
    uint64_t task;
    uint64_t address;
    physaddr_t physical;
    bool ok;
};

static void translate_run(void *argument)
{
    struct translate_call *call = argument;
    // Not from crash's table: it may miss the task, and any task_struct has what uvtop needs.
    struct task_context context = {.task = call->task};

    if (!readmem(call->task + OFFSET(task_struct_mm), KVADDR, &context.mm_struct,
                 sizeof(context.mm_struct), "task_struct.mm", RETURN_ON_ERROR | QUIET))
        return;
    call->ok = context.mm_struct && uvtop(&context, call->address, &call->physical, 0);
}

bool host_translate(uint64_t task, uint64_t address, uint64_t *physical, struct error *err)
{
    struct translate_call call = {.task = task, .address = address};
    struct error jumped;
    if (!capture_ask(translate_run, &call, &jumped) && jumped.code != ERR_HOST) {
        if (err)
            *err = jumped;
        return false;
    }
    if (!call.ok)
        return error_set_at(err, ERR_FAULT, address,
                            "no physical page behind user address 0x%" PRIx64 " of task 0x%" PRIx64,
                            address, task);
    *physical = call.physical;
    return true;
}

struct page_call {
    uint64_t physical;
    ulong page;
    int ok;
};

static void page_run(void *argument)
{
    struct page_call *call = argument;
    call->ok = phys_to_page(call->physical, &call->page);
}

bool host_phys_to_page(uint64_t physical, uint64_t *page, struct error *err)
{
    struct page_call call = {.physical = physical};
    if (!capture_ask(page_run, &call, err))
        return false;
    if (!call.ok)
        return error_set_at(err, ERR_FAULT, physical,
                            "no struct page for physical address 0x%" PRIx64, physical);
    *page = call.page;
    return true;
}
