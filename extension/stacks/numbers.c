// SPDX-License-Identifier: GPL-3.0-or-later
#include "stacks/numbers.h"

#include <dwarf.h>

enum {
    WORD = sizeof(uint64_t),
    BITS = 8,
};

static bool fail(struct numbers *numbers, const char *reason)
{
    numbers->reason = reason;
    return false;
}

struct number number_of(uint64_t value, uint8_t size, bool is_signed)
{
    if (size && size < WORD) {
        uint64_t mask = ((uint64_t)1 << BITS * size) - 1;
        value &= mask;
        if (is_signed && value & (mask ^ mask >> 1))
            value |= ~mask;
    }
    return (struct number){value, size, is_signed};
}

bool numbers_push(struct numbers *numbers, struct number number)
{
    if (numbers->depth == NUMBERS_MAX)
        return fail(numbers, "its expression is too deep");
    numbers->items[numbers->depth++] = number;
    return true;
}

// The number `below` the top.
static bool peek(struct numbers *numbers, uint64_t below, struct number *number)
{
    if (below >= numbers->depth)
        return fail(numbers, "its expression is wrong");
    *number = numbers->items[numbers->depth - 1 - below];
    return true;
}

bool numbers_pop(struct numbers *numbers, struct number *number)
{
    if (!peek(numbers, 0, number))
        return false;
    numbers->depth--;
    return true;
}

// ---- arithmetic ---------------------------------------------------------------------------------

static uint64_t divide(struct number a, struct number b)
{
    if (a.size && !a.is_signed)
        return a.value / b.value;
    return b.value == UINT64_MAX ? -a.value : (uint64_t)((int64_t)a.value / (int64_t)b.value);
}

static uint64_t modulo(struct number a, struct number b)
{
    if (!a.is_signed)
        return a.value % b.value;
    return b.value == UINT64_MAX ? 0 : (uint64_t)((int64_t)a.value % (int64_t)b.value);
}

static uint64_t shift(uint8_t atom, struct number a, uint64_t by)
{
    unsigned width = BITS * (a.size ? a.size : WORD);
    if (by >= width)
        return atom == DW_OP_shra && (int64_t)a.value < 0 ? UINT64_MAX : 0;
    if (atom == DW_OP_shl)
        return a.value << by;
    if (atom == DW_OP_shra)
        return (uint64_t)((int64_t)a.value >> by);
    return number_of(a.value, a.size, false).value >> by;
}

static bool compare(uint8_t atom, struct number a, struct number b)
{
    bool is_less = a.size && !a.is_signed ? a.value < b.value : (int64_t)a.value < (int64_t)b.value;
    switch (atom) {
    case DW_OP_eq:
        return a.value == b.value;
    case DW_OP_ne:
        return a.value != b.value;
    case DW_OP_lt:
        return is_less;
    case DW_OP_ge:
        return !is_less;
    case DW_OP_le:
        return is_less || a.value == b.value;
    default:
        return !is_less && a.value != b.value;
    }
}

bool numbers_compute(struct numbers *numbers, uint8_t atom)
{
    struct number a;
    struct number b;
    uint64_t value;
    if (!numbers_pop(numbers, &b) || !numbers_pop(numbers, &a))
        return false;
    if ((atom == DW_OP_div || atom == DW_OP_mod) && !b.value)
        return fail(numbers, "its expression divides by zero");
    switch (atom) {
    case DW_OP_and:
        value = a.value & b.value;
        break;
    case DW_OP_or:
        value = a.value | b.value;
        break;
    case DW_OP_xor:
        value = a.value ^ b.value;
        break;
    case DW_OP_plus:
        value = a.value + b.value;
        break;
    case DW_OP_minus:
        value = a.value - b.value;
        break;
    case DW_OP_mul:
        value = a.value * b.value;
        break;
    case DW_OP_div:
        value = divide(a, b);
        break;
    case DW_OP_mod:
        value = modulo(a, b);
        break;
    case DW_OP_shl:
    case DW_OP_shr:
    case DW_OP_shra:
        value = shift(atom, a, b.value);
        break;
    default:
        return numbers_push(numbers, (struct number){.value = compare(atom, a, b)});
    }
    return numbers_push(numbers, number_of(value, a.size, a.is_signed));
}

bool numbers_change(struct numbers *numbers, uint8_t atom, uint64_t operand)
{
    struct number a;
    if (!numbers_pop(numbers, &a))
        return false;
    switch (atom) {
    case DW_OP_neg:
        a.value = -a.value;
        break;
    case DW_OP_not:
        a.value = ~a.value;
        break;
    case DW_OP_abs:
        a.value = (int64_t)a.value < 0 && (!a.size || a.is_signed) ? -a.value : a.value;
        break;
    default:
        a.value += operand;
        break;
    }
    return numbers_push(numbers, number_of(a.value, a.size, a.is_signed));
}

// ---- their order
// ---------------------------------------------------------------------------------

bool numbers_pick(struct numbers *numbers, uint64_t below)
{
    struct number number;
    return peek(numbers, below, &number) && numbers_push(numbers, number);
}

bool numbers_turn(struct numbers *numbers, size_t count)
{
    struct number top;
    struct number last;
    if (!peek(numbers, 0, &top) || !peek(numbers, count - 1, &last))
        return false;
    for (size_t i = 0; i + 1 < count; i++)
        numbers->items[numbers->depth - 1 - i] = numbers->items[numbers->depth - 2 - i];
    numbers->items[numbers->depth - count] = top;
    return true;
}
