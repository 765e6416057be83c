// SPDX-License-Identifier: GPL-3.0-or-later
// The stack of numbers that DWARF's programs compute with. Must not know what they are of.
#ifndef MPYKDUMP_STACKS_NUMBERS_H
#define MPYKDUMP_STACKS_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMBERS_MAX = 64 };

// A number of a type: of `size` bytes, extended to the word by its sign. 0: any number.
struct number {
    uint64_t value;
    uint8_t size;
    bool is_signed;
};

struct numbers {
    struct number items[NUMBERS_MAX];
    size_t depth;
    const char *reason; // in a few words, of what was false
};

// A value cut to the size, and extended.
struct number number_of(uint64_t value, uint8_t size, bool is_signed);

bool numbers_push(struct numbers *numbers, struct number number);
bool numbers_pop(struct numbers *numbers, struct number *number);
// Pushes the one `below` the top once more.
bool numbers_pick(struct numbers *numbers, uint64_t below);
// Exchanges the top with the one below it, or turns the top three.
bool numbers_turn(struct numbers *numbers, size_t count);

// DW_OP_plus and others of two numbers; DW_OP_neg and others of one.
bool numbers_compute(struct numbers *numbers, uint8_t atom);
bool numbers_change(struct numbers *numbers, uint8_t atom, uint64_t operand);

#endif
