// SPDX-License-Identifier: GPL-3.0-or-later
// Where a stopped task's registers are, by the types of the dump's kernel.
#ifndef MPYKDUMP_STACKS_LAYOUT_H
#define MPYKDUMP_STACKS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// The registers that unwinding needs, and their places in a struct pt_regs.
enum stack_register {
    STACK_IP,
    STACK_SP,
    STACK_BP,
    STACK_DX,
    STACK_DI,
    STACK_R10,
    STACK_R13,
    STACK_REGISTERS
};

struct stack_layout {
    // of struct task_struct: offsets
    uint64_t task_sp; // thread.sp: where a task that sleeps left its inactive_task_frame
    uint64_t task_stack;
    // of struct inactive_task_frame: offsets, and the whole size
    uint64_t frame_bp;
    uint64_t frame_ip;
    uint64_t frame_size;
    // of struct pt_regs
    uint64_t regs[STACK_REGISTERS];
    uint64_t regs_cs;
    uint64_t regs_size;
    uint64_t stack_size; // of a task, bytes
};

// The same object until stack_layout_forget; NULL with ERR_TYPE or ERR_MEMBER.
const struct stack_layout *stack_layout_get(struct error *err);

void stack_layout_forget(void);

#endif
