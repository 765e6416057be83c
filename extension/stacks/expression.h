// SPDX-License-Identifier: GPL-3.0-or-later
// Runs DWARF's programs: where a variable is, or what a value is, in terms of a frame.
#ifndef MPYKDUMP_STACKS_EXPRESSION_H
#define MPYKDUMP_STACKS_EXPRESSION_H

#include "stacks/code_stack.h"

enum expression_kind {
    EXPRESSION_ADDRESS,  // it lies in memory there
    EXPRESSION_REGISTER, // it is what the register holds, which `number` has
    EXPRESSION_VALUE,    // it is the number itself
};

struct expression {
    enum expression_kind kind;
    struct code_value number;
};

// Runs a program in a frame. `past`: it tells of the time of a call, since which memory may have
// changed. False with the reason, in a few words.
bool expression_run(struct code_stack *stack, size_t frame, const struct dwarf_program *program,
                    bool past, struct expression *result, const char **reason);

#endif
