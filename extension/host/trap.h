// SPDX-License-Identifier: GPL-3.0-or-later
// The guarded trampoline: the only place from which crash is called.
//
// crash reports errors by longjmp to pc->main_loop_env, gdb by C++ exceptions. Both end in
// host_trap. Rules for what runs inside:
//  - it owns nothing (no allocation, no file, no lock) that a jump would lose;
//  - it calls no Python, so that no Python frame is ever jumped over.
#ifndef MPYKDUMP_HOST_TRAP_H
#define MPYKDUMP_HOST_TRAP_H

#include "base/error.h"

enum trap_flags {
    TRAP_PLAIN = 0,
    // The call may enter gdb or print: gdb replaces signal handlers on every return, and Ctrl-C
    // must stop it. Costs a few system calls.
    TRAP_COMMAND = 1,
};

// Runs call(argument). True when it returned; false when it jumped or threw (ERR_HOST),
// was interrupted (ERR_INTERRUPTED), or this is not the host's thread (ERR_THREAD).
bool host_trap(void (*call)(void *), void *argument, enum trap_flags flags, struct error *err);

// Remembers the thread that may call; tells whether this is it; sends it a signal.
void host_trap_init(void);
bool host_trap_is_here(void);
void host_trap_send(int signal_number);

#endif
