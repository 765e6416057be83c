// SPDX-License-Identifier: GPL-3.0-or-later
// A stack whose frames are asked, by the DWARF, what variables are in them and what calls passed.
//
// Who asks has followed the stack and knows the registers; nothing here does. The operations of
// all that is evaluated for one question are bounded.
#ifndef MPYKDUMP_STACKS_CODE_STACK_H
#define MPYKDUMP_STACKS_CODE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "stacks/code_files.h"

enum {
    CODE_REGISTERS = 17, // by DWARF's numbers: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 ... rip
};

// How far a value is to be trusted: the worst of what it is made of.
enum code_doubt {
    CODE_CERTAIN,
    CODE_LIKELY, // the call may not have been to this function, or others know of the stack's slot
    CODE_MEMORY, // read from memory as it is now
};

struct code_value {
    bool known;
    bool followed;   // made of a register that was found by following code, not by a call's DWARF
    uint8_t doubt;   // enum code_doubt
    uint8_t callers; // how many calls, outwards, it was passed by
    uint64_t value;
};

struct code_frame {
    uint64_t ip;
    bool exact;   // ip is the next instruction, and no return address
    uint64_t cfa; // the stack pointer before the function was called; 0 if unknown
    struct code_value registers[CODE_REGISTERS]; // at the call of the next inner frame
    struct code_value entry[CODE_REGISTERS];     // when the function was entered
    struct code_place code;                      // `place` NULL: nothing is known of it
};

struct code_stack {
    struct code_frame *frames; // the innermost first
    size_t count;
    unsigned operations; // done for the question
    unsigned callers;    // that are being asked for it
};

// Begins another question.
static inline void code_stack_ask(struct code_stack *stack)
{
    stack->operations = 0;
    stack->callers = 0;
}

// The value of a variable in a frame now. Else the reason, in a few words.
bool code_variable(struct code_stack *stack, size_t frame, const struct dwarf_variable *variable,
                   struct code_value *value, const char **reason);

// What the call to a frame's function passed in a register, by the DWARF of the caller.
bool code_passed(struct code_stack *stack, size_t frame, unsigned number, struct code_value *value,
                 const char **reason);

// The same; if that does not tell, what was given as the register's value at the entry.
bool code_entry(struct code_stack *stack, size_t frame, unsigned number, struct code_value *value,
                const char **reason);

// Does what the caller's DWARF says of its call hold for a frame: it was to this function.
bool code_is_called(const struct code_stack *stack, size_t frame, const char **reason);

#endif
