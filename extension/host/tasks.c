// SPDX-License-Identifier: GPL-3.0-or-later
// crash's task table: what it knows of tasks, and its repair where it is wrong.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/capture.h"
#include "host/crash.h"
#include "host/host.h"
#include "host/trap.h"

struct task_call {
    ulong task;
    ulong pid;
    bool active;
    bool ok;
};

static void of_pid_run(void *argument)
{
    struct task_call *call = argument;
    call->task = pid_to_task(call->pid);
}

uint64_t host_task_of_pid(uint64_t pid)
{
    struct task_call call = {.pid = pid, .task = NO_TASK};
    capture_ask(of_pid_run, &call, NULL);
    return call.task;
}

static void of_task_run(void *argument)
{
    struct task_call *call = argument;
    call->pid = task_to_pid(call->task);
    call->active = is_task_active(call->task);
}

bool host_pid_of_task(uint64_t task, uint64_t *pid)
{
    struct task_call call = {.task = task, .pid = NO_PID};
    capture_ask(of_task_run, &call, NULL);
    *pid = call.pid;
    return call.pid != NO_PID;
}

bool host_task_active(uint64_t task)
{
    struct task_call call = {.task = task};
    capture_ask(of_task_run, &call, NULL);
    return call.active;
}

static void select_run(void *argument)
{
    struct task_call *call = argument;
    struct task_context *context = task_to_context(call->task);
    if (context) {
        tt->current = context;
        call->ok = true;
    }
}

bool host_task_select(uint64_t task, struct error *err)
{
    static ulong before; // the user's own context, while a program has another one

    if (!task && !before)
        return true;
    struct task_call call = {.task = task ? task : before};
    ulong present = CURRENT_CONTEXT() ? CURRENT_TASK() : NO_TASK;
    if (!capture_ask(select_run, &call, err))
        return false;
    if (!call.ok)
        return error_set_at(err, ERR_VALUE, task, "bad taskaddr 0x%" PRIx64, task);
    if (!task)
        before = NO_TASK;
    else if (!before)
        before = present;
    return true;
}

struct memory_call {
    ulong task;
    struct task_mem_usage usage;
};

static void memory_run(void *argument)
{
    struct memory_call *call = argument;
    get_task_mem_usage(call->task, &call->usage);
}

bool host_task_memory(uint64_t task, struct host_task_memory *memory, struct error *err)
{
    struct memory_call call = {.task = task};
    struct task_call known = {.task = task, .pid = NO_PID};
    if (!capture_ask(of_task_run, &known, err))
        return false;
    if (known.pid == NO_PID)
        return error_set_at(err, ERR_VALUE, task, "bad taskaddr 0x%" PRIx64, task);
    if (!capture_ask(memory_run, &call, err))
        return false;
    memory->total_kib = call.usage.total_vm * PAGESIZE() / 1024;
    memory->resident_kib = call.usage.rss * PAGESIZE() / 1024;
    return true;
}

// Kernel commit b69f0aeb0689 ("pid: Replace struct pid 1-element array with flex-array", 6.5, and
// in stable 6.1) took numbers[0] out of sizeof(struct pid). crash before 8.0.4 reads a struct pid
// by that size and then looks at numbers[0]: every task not found there is lost.
static bool pid_is_read_short(void)
{
    return size_table.pid > 0 && size_table.upid > 0 &&
           size_table.pid < offset_table.pid_numbers + size_table.upid;
}

static void refresh_run(void *argument)
{
    // On a dump the table is read once: only before "init done".
    tt->flags &= ~TASK_INIT_DONE;
    tt->refresh_task_table();
    tt->flags |= TASK_INIT_DONE;
}

static void threads_run(void *argument)
{
    long *count = argument;
    int threads = 0;
    if (symbol_exists("nr_threads") &&
        readmem(symbol_value("nr_threads"), KVADDR, &threads, sizeof(threads), "nr_threads",
                RETURN_ON_ERROR | QUIET))
        *count = threads;
}

void host_tasks_repair(char *note, size_t size)
{
    long threads = 0;
    note[0] = '\0';
    if (ACTIVE() || !host_trap(threads_run, &threads, TRAP_PLAIN, NULL))
        return;
    // The table has the idle tasks too, and a damaged dump may miss some: only "far fewer" counts.
    ulong seen = RUNNING_TASKS();
    if (threads <= 0 || seen >= (ulong)threads / 2)
        return;
    if (pid_is_read_short()) {
        size_table.pid += size_table.upid;
        if (capture_ask(refresh_run, NULL, NULL) && RUNNING_TASKS() > seen) {
            // The task that crash starts on is the panicking one, where the table has it.
            struct task_call panicking = {.task = tt->panic_task};
            capture_ask(select_run, &panicking, NULL);
            snprintf(note, size,
                     "crash %s misreads struct pid of this kernel: its task table had %lu tasks, "
                     "now repaired: %lu",
                     build_version, seen, RUNNING_TASKS());
            return;
        }
        size_table.pid -= size_table.upid;
    }
    snprintf(note, size, "crash's task table has %lu tasks, but the kernel had %ld threads", seen,
             threads);
}
