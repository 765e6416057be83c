// SPDX-License-Identifier: GPL-3.0-or-later
#include "host/interrupt.h"

#include <signal.h>

#include "host/crash.h"
#include "host/host.h"

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

// Runs instead of gdb's handler while a program has entered gdb: gdb quits its command, and the
// program learns of it.
static void on_gdb_sigint(int number)
{
    gdb_handler(number);
    interrupt_raise();
}

static bool is_function(void (*handler)(int))
{
    return handler != SIG_DFL && handler != SIG_IGN;
}

void host_enter(struct host_entry *entry)
{
    sigaction(SIGINT, is_function(program_sigint.sa_handler) ? &program_sigint : NULL,
              &entry->sigint);
    entry->gdb_sigint = pc->gdb_sigaction.sa_handler;
    if (is_function(entry->gdb_sigint) && entry->gdb_sigint != on_gdb_sigint) {
        gdb_handler = entry->gdb_sigint;
        pc->gdb_sigaction.sa_handler = on_gdb_sigint;
    }
}

void host_leave(struct host_entry *entry)
{
    sigaction(SIGINT, &entry->sigint, NULL);
    pc->gdb_sigaction.sa_handler = entry->gdb_sigint;
}

void interrupt_give_to_crash(struct sigaction *previous)
{
    struct sigaction action = {.sa_handler = restart, .sa_flags = SA_NODEFER};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, previous);
}

void interrupt_take_back(const struct sigaction *previous)
{
    sigaction(SIGINT, previous, NULL);
}
