// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel's ORC tables: for each address of its text, where the frame of the caller is. Read out
// of the dump where they are needed, those of modules too.
#ifndef MPYKDUMP_STACKS_ORC_H
#define MPYKDUMP_STACKS_ORC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// What a value is counted from; the numbers are the kernel's.
enum orc_register {
    ORC_REG_UNDEFINED = 0,
    ORC_REG_PREV_SP = 1,
    ORC_REG_DX = 2,
    ORC_REG_DI = 3,
    ORC_REG_BP = 4,
    ORC_REG_SP = 5,
    ORC_REG_R10 = 6,
    ORC_REG_R13 = 7,
    ORC_REG_BP_INDIRECT = 8,
    ORC_REG_SP_INDIRECT = 9, // what lies at the stack pointer, plus the offset
    // not the kernel's: what lies at the stack pointer plus the offset
    ORC_REG_SP_THEN_INDIRECT = 16,
};

enum orc_kind {
    ORC_UNDEFINED,    // nothing is known of this address
    ORC_END,          // the outermost frame
    ORC_CALL,         // the return address is below the caller's frame
    ORC_REGS,         // a whole struct pt_regs is there
    ORC_REGS_PARTIAL, // the part of it that the CPU saved
};

struct orc_row {
    int16_t sp_offset;
    int16_t bp_offset;
    uint8_t sp_register; // enum orc_register, or anything in a damaged table
    uint8_t bp_register;
    enum orc_kind kind;
    bool exact; // the caller's address is that of an instruction that did not return yet
};

// The row for an address. ERR_SYMBOL when the kernel has no ORC tables, ERR_VALUE when the address
// is in no table, ERR_TYPE when the form of the tables is unknown.
bool orc_find(uint64_t address, struct orc_row *row, struct error *err);

// Memory or types may be others now.
void orc_forget(void);

#endif
