// SPDX-License-Identifier: GPL-3.0-or-later
#include "stacks/code_stack.h"

#include <string.h>

#include "memory/cache.h"
#include "stacks/expression.h"

enum { MAX_CALLERS = 32, WORD = sizeof(uint64_t), BITS = 8 };

static uint64_t extend(uint64_t value, const struct dwarf_variable *variable)
{
    if (!variable->size || variable->size >= WORD)
        return value;
    uint64_t mask = ((uint64_t)1 << BITS * variable->size) - 1;
    value &= mask;
    return variable->is_signed && value & (mask ^ mask >> 1) ? value | ~mask : value;
}

bool code_variable(struct code_stack *stack, size_t frame, const struct dwarf_variable *variable,
                   struct code_value *value, const char **reason)
{
    struct expression found = {.number = {.known = true, .value = variable->constant}};
    struct error err;
    code_stack_ask(stack);
    *reason = "it was optimised out";
    if (variable->state == VARIABLE_GONE)
        return false;
    if (variable->state == VARIABLE_COMPUTED) {
        if (!expression_run(stack, frame, &variable->program, false, &found, reason))
            return false;
        *reason = "it is in memory that cannot be read";
        // Of a struct, the address is what it has.
        if (found.kind == EXPRESSION_ADDRESS && variable->is_scalar &&
            (!variable->size || variable->size > WORD ||
             !cache_read_word(found.number.value, variable->size, &found.number.value, &err)))
            return false;
        *reason = "it is not in memory";
        if (found.kind != EXPRESSION_ADDRESS && !variable->is_scalar)
            return false;
    }
    *value = found.number;
    if (variable->is_scalar)
        value->value = extend(value->value, variable);
    return true;
}

// The name of the function of a frame, by its DWARF; NULL if that does not tell.
static const char *name_of(const struct code_frame *frame)
{
    const struct dwarf_place *place = frame->code.place;
    return place ? place->scopes[place->scope_count - 1].name : NULL;
}

bool code_is_called(const struct code_stack *stack, size_t frame, const char **reason)
{
    *reason = "the call is not described";
    if (frame + 1 >= stack->count)
        return false;
    const struct code_frame *outer = &stack->frames[frame + 1];
    if (outer->exact || !outer->code.place || !outer->code.place->has_call)
        return false;
    const char *target = outer->code.place->target;
    const char *name = name_of(&stack->frames[frame]);
    *reason = "the call was to another function, which jumped on";
    return !target || (name && !strcmp(target, name));
}

bool code_passed(struct code_stack *stack, size_t frame, unsigned number, struct code_value *value,
                 const char **reason)
{
    struct expression found;
    if (!code_is_called(stack, frame, reason))
        return false;
    const struct dwarf_place *place = stack->frames[frame + 1].code.place;
    *reason = "the call does not say what it passed";
    for (size_t i = 0; i < place->argument_count; i++) {
        if (place->arguments[i].register_number != (int)number)
            continue;
        *reason = "it was passed on by too many callers";
        if (stack->callers == MAX_CALLERS)
            return false;
        stack->callers++;
        bool good =
            expression_run(stack, frame + 1, &place->arguments[i].value, true, &found, reason);
        stack->callers--;
        if (!good)
            return false;
        *value = found.number;
        value->callers++;
        // It may have been a call to another function.
        if (!place->target && value->doubt == CODE_CERTAIN)
            value->doubt = CODE_LIKELY;
        return true;
    }
    return false;
}

bool code_entry(struct code_stack *stack, size_t frame, unsigned number, struct code_value *value,
                const char **reason)
{
    const struct code_frame *inner = &stack->frames[frame];
    if (code_passed(stack, frame, number, value, reason))
        return true;
    if (number >= CODE_REGISTERS || !inner->entry[number].known)
        return false;
    *value = inner->entry[number];
    value->followed = true;
    return true;
}
