// SPDX-License-Identifier: GPL-3.0-or-later
// SIGINT passes between crash, gdb and the embedder; these are the hand-overs inside this folder.
#ifndef MPYKDUMP_HOST_INTERRUPT_H
#define MPYKDUMP_HOST_INTERRUPT_H

#include <signal.h>

// Before and after a call that may enter gdb or run a crash command.
void interrupt_give_to_crash(void);
void interrupt_take_back(const struct sigaction *previous);

// In a forked child, which has no timers of its parent's.
void interrupt_after_fork(void);

// Tells the embedder that Ctrl-C was seen by crash or gdb on its behalf.
void interrupt_raise(void);

// How often crash has cleaned up after a command or a jump: when this moves during a call, the
// outputs it had open are closed.
unsigned interrupt_cleanups(void);
void interrupt_note_cleanup(void);

#endif
