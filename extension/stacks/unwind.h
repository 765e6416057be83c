// SPDX-License-Identifier: GPL-3.0-or-later
// Kernel stacks of x86-64, frame by frame, by the kernel's own ORC tables; by frame pointers where
// it has none. Reads only what the frames need. Must not know tasks' states or Python.
#ifndef MPYKDUMP_STACKS_UNWIND_H
#define MPYKDUMP_STACKS_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "stacks/layout.h"

enum { UNWIND_MAX_FRAMES = 512 };

struct stack_frame {
    uint64_t ip;   // a return address that tracing has replaced is the real one here
    uint64_t at;   // where on the stack it was saved; for the innermost frame the stack pointer
    uint64_t regs; // the struct pt_regs of what was interrupted here, 0 for a call
    bool exact;    // ip is that of an instruction to be run next, not of a return
    bool guessed;  // found by a frame pointer, without a table
};

enum unwind_end {
    UNWIND_END_WHOLE, // the outermost frame of the kernel
    UNWIND_END_USER,  // entered from user space, with the registers at user_regs
    UNWIND_END_ERROR, // it could not go on
};

struct unwinding {
    struct stack_frame frames[UNWIND_MAX_FRAMES]; // innermost first
    size_t count;
    enum unwind_end end;
    uint64_t user_regs;
    struct error error;
};

// The registers to begin with: those of a CPU when the dump was taken.
struct stack_registers {
    uint64_t values[STACK_REGISTERS];
    uint32_t known; // bits of those that are: the instruction and stack pointers are always
};

// The stack of a task that is on no CPU, given by the address of its task_struct. Always fills
// `unwinding`; false for errors that are not those of this stack (interrupted, no types).
bool unwind_task(uint64_t task, struct unwinding *unwinding);

// The stack of what a CPU was doing, for a task that may be 0 if it is not known.
bool unwind_registers(const struct stack_registers *registers, uint64_t task,
                      struct unwinding *unwinding);

#endif
