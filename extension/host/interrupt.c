// SPDX-License-Identifier: GPL-3.0-or-later
#include "host/interrupt.h"

#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>

#include "host/crash.h"
#include "host/host.h"
#include "host/trap.h"

static struct host_interrupt_hooks hooks;
static struct sigaction program_sigint; // what programs run with
static volatile sig_atomic_t cleanups;
// gdb's own handler, under on_gdb_sigint. A signal handler takes no context: hence a static.
static void (*gdb_handler)(int);

void host_interrupts_adopt(const struct host_interrupt_hooks *new_hooks)
{
    hooks = *new_hooks;
    sigaction(SIGINT, NULL, &program_sigint);
}

bool host_interrupted(void)
{
    return hooks.check && hooks.check();
}

void interrupt_raise(void)
{
    if (hooks.raise)
        hooks.raise();
}

unsigned interrupt_cleanups(void)
{
    return (unsigned)cleanups;
}

void interrupt_note_cleanup(void)
{
    cleanups = cleanups + 1;
}

static bool is_function(void (*handler)(int))
{
    return handler != SIG_DFL && handler != SIG_IGN;
}

// crash leaves its Ctrl-C handler with longjmp. Out of the middle of malloc that would leave a lock
// held, or the heap in pieces; gdb's handler takes a lock that gdb itself may be about to take. So
// while the C library is running the signal is put off by a millisecond, until the library is left,
// or has been in one place for so long (a system call that waits) that it does neither.
enum { RETRIES = 50, RETRY_NANOSECONDS = 1000000 };

static struct {
    bool known;
    uintptr_t start;
    uintptr_t end;
    timer_t timer;
    uintptr_t last; // where it was at the last look
    int retries;    // for how many looks it was there
} libc;

static int find_libc(struct dl_phdr_info *info, size_t size, void *wanted)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        uintptr_t end = start + header->p_memsz;
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X) && (uintptr_t)wanted >= start &&
            (uintptr_t)wanted < end) {
            libc.start = start;
            libc.end = end;
            return 1;
        }
    }
    return 0;
}

static void libc_init(void)
{
    struct sigevent again = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGINT};
    if (libc.known || timer_create(CLOCK_MONOTONIC, &again, &libc.timer) < 0)
        return;
    dl_iterate_phdr(find_libc, (void *)(uintptr_t)malloc);
    libc.known = true;
}

static bool put_off(const ucontext_t *interrupted)
{
    uintptr_t at = (uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP];
    const struct itimerspec soon = {.it_value.tv_nsec = RETRY_NANOSECONDS};

    if (!libc.known || at < libc.start || at >= libc.end || libc.retries >= RETRIES)
        return false;
    libc.retries += at == libc.last;
    libc.last = at;
    return timer_settime(libc.timer, 0, &soon, NULL) == 0;
}

static void on_command_sigint(int number, siginfo_t *info, void *interrupted)
{
    (void)info;
    // Threads of the program's have stacks that no jump may lead to.
    if (!host_trap_is_here())
        host_trap_send(number);
    else if (!put_off(interrupted))
        restart(number);
}

// Runs instead of gdb's handler while a program has entered gdb: gdb quits its command, and the
// program learns of it.
static void on_gdb_sigint(int number, siginfo_t *info, void *interrupted)
{
    (void)info;
    if (!host_trap_is_here()) {
        host_trap_send(number);
    } else if (!put_off(interrupted)) {
        gdb_handler(number);
        interrupt_raise();
    }
}

void host_enter(struct host_entry *entry)
{
    sigaction(SIGINT, is_function(program_sigint.sa_handler) ? &program_sigint : NULL,
              &entry->sigint);
    entry->gdb_sigint = pc->gdb_sigaction;
    if (is_function(pc->gdb_sigaction.sa_handler) &&
        pc->gdb_sigaction.sa_sigaction != on_gdb_sigint) {
        gdb_handler = pc->gdb_sigaction.sa_handler;
        pc->gdb_sigaction.sa_sigaction = on_gdb_sigint;
        pc->gdb_sigaction.sa_flags |= SA_SIGINFO;
    }
}

void host_leave(struct host_entry *entry)
{
    sigaction(SIGINT, &entry->sigint, NULL);
    pc->gdb_sigaction = entry->gdb_sigint;
}

void interrupt_after_fork(void)
{
    libc.known = false;
}

void interrupt_give_to_crash(void)
{
    struct sigaction action = {.sa_sigaction = on_command_sigint,
                               .sa_flags = SA_NODEFER | SA_SIGINFO};
    libc_init();
    libc.retries = 0;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void interrupt_take_back(const struct sigaction *previous)
{
    sigaction(SIGINT, previous, NULL);
}
