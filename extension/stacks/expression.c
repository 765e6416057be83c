// SPDX-License-Identifier: GPL-3.0-or-later
#include "stacks/expression.h"

#include "memory/cache.h"
#include "stacks/numbers.h"
#include "types/dwarf_die.h"

enum {
    MAX_OPERATIONS = 1 << 12, // for one question, with all that it asks of callers
    STACK_SIZE = 1 << 14,     // bytes
    WORD = sizeof(uint64_t),
};

struct machine {
    struct code_stack *stack;
    size_t frame;
    struct dwarf_program program;
    bool past;
    bool in_base; // it is the program of the frame's base
    struct numbers numbers;
    struct code_value made; // doubt, callers and followed of all that was used
};

static bool run(struct machine *machine, struct expression *result);

static bool fail(struct machine *machine, const char *reason)
{
    machine->numbers.reason = reason;
    return false;
}

static bool push(struct machine *machine, uint64_t value)
{
    return numbers_push(&machine->numbers, (struct number){.value = value});
}

// What a value is made of makes it as doubtful.
static void use(struct machine *machine, const struct code_value *value)
{
    struct code_value *made = &machine->made;
    made->doubt = value->doubt > made->doubt ? value->doubt : made->doubt;
    made->callers = value->callers > made->callers ? value->callers : made->callers;
    made->followed |= value->followed;
}

// ---- what a frame has ---------------------------------------------------------------------------

static bool read_register(struct machine *machine, uint64_t number, uint64_t *value)
{
    const struct code_frame *frame = &machine->stack->frames[machine->frame];
    if (number >= CODE_REGISTERS || !frame->registers[number].known)
        return fail(machine, "it was in a register that others have used since");
    use(machine, &frame->registers[number]);
    *value = frame->registers[number].value;
    return true;
}

static bool push_register(struct machine *machine, uint64_t number, uint64_t offset)
{
    uint64_t value;
    return read_register(machine, number, &value) && push(machine, value + offset);
}

static bool push_cfa(struct machine *machine)
{
    uint64_t cfa = machine->stack->frames[machine->frame].cfa;
    return cfa ? push(machine, cfa) : fail(machine, "where its frame is on the stack is not known");
}

static bool push_base(struct machine *machine, uint64_t offset)
{
    const struct dwarf_place *place = machine->stack->frames[machine->frame].code.place;
    struct expression base;
    if (machine->in_base || !place || !place->frame_base.ops)
        return fail(machine, "its frame has no base");
    struct machine inner = {
        .stack = machine->stack,
        .frame = machine->frame,
        .program = place->frame_base,
        .past = machine->past,
        .in_base = true,
    };
    if (!run(&inner, &base))
        return fail(machine, inner.numbers.reason);
    use(machine, &base.number);
    return push(machine, base.number.value + offset);
}

static bool read_memory(struct machine *machine, uint64_t address, size_t size, uint64_t *value)
{
    struct error err;
    uint64_t cfa = machine->stack->frames[machine->frame].cfa;
    if (!size || size > WORD || !cache_read_word(address, size, value, &err))
        return fail(machine, "it is in memory that cannot be read");
    bool on_stack = cfa && address - (cfa - STACK_SIZE) < 2 * STACK_SIZE;
    if (machine->past)
        use(machine, &(struct code_value){.doubt = on_stack ? CODE_LIKELY : CODE_MEMORY});
    return true;
}

static bool load(struct machine *machine, size_t size, bool is_signed, bool typed)
{
    struct number at;
    uint64_t value;
    if (!numbers_pop(&machine->numbers, &at) || !read_memory(machine, at.value, size, &value))
        return false;
    return numbers_push(&machine->numbers, number_of(value, typed ? (uint8_t)size : 0, is_signed));
}

static bool push_entry(struct machine *machine, Dwarf_Op *op)
{
    Dwarf_Attribute attribute = machine->program.attribute;
    struct code_value value;
    Dwarf_Op *ops;
    size_t count;
    if (libdw->dwarf_getlocation_attr(&machine->program.attribute, op, &attribute) != 0 ||
        libdw->dwarf_getlocation(&attribute, &ops, &count) != 0 || count != 1 ||
        ops->atom < DW_OP_reg0 || ops->atom > DW_OP_reg31)
        return fail(machine, "it depends on what was in memory when the function was entered");
    if (!code_entry(machine->stack, machine->frame, ops->atom - DW_OP_reg0, &value,
                    &machine->numbers.reason))
        return false;
    use(machine, &value);
    return push(machine, value.value);
}

// ---- types --------------------------------------------------------------------------------------

static bool type_of(struct machine *machine, Dwarf_Op *op, bool has_type, struct number *type)
{
    Dwarf_Die die;
    *type = (struct number){0};
    if (!has_type)
        return true;
    if (libdw->dwarf_getlocation_die(&machine->program.attribute, op, &die) != 0)
        return fail(machine, "its expression is wrong");
    uint64_t size = die_number(&die, DW_AT_byte_size, 0);
    uint64_t encoding = die_number(&die, DW_AT_encoding, 0);
    if (!size || size > WORD || encoding == DW_ATE_float)
        return fail(machine, "its expression has a type which is not understood");
    type->size = (uint8_t)size;
    type->is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
    return true;
}

static bool convert(struct machine *machine, Dwarf_Op *op)
{
    struct number item;
    struct number type;
    if (!numbers_pop(&machine->numbers, &item) || !type_of(machine, op, op->number != 0, &type))
        return false;
    return numbers_push(&machine->numbers, number_of(item.value, type.size, type.is_signed));
}

static bool push_typed_register(struct machine *machine, Dwarf_Op *op)
{
    struct number type;
    uint64_t value;
    if (!type_of(machine, op, true, &type) || !read_register(machine, op->number, &value))
        return false;
    return numbers_push(&machine->numbers, number_of(value, type.size, type.is_signed));
}

static bool push_typed_constant(struct machine *machine, Dwarf_Op *op)
{
    struct number type;
    Dwarf_Attribute attribute;
    Dwarf_Block block;
    uint64_t value = 0;
    if (!type_of(machine, op, true, &type))
        return false;
    if (libdw->dwarf_getlocation_attr(&machine->program.attribute, op, &attribute) != 0 ||
        libdw->dwarf_formblock(&attribute, &block) != 0 || block.length > WORD)
        return fail(machine, "its expression is wrong");
    memcpy(&value, block.data, block.length);
    return numbers_push(&machine->numbers, number_of(value, type.size, type.is_signed));
}

static bool load_typed(struct machine *machine, Dwarf_Op *op)
{
    struct number type;
    return type_of(machine, op, true, &type) && load(machine, op->number, type.is_signed, true);
}

static bool push_address(struct machine *machine, Dwarf_Op *op)
{
    Dwarf_Attribute attribute;
    Dwarf_Addr address = op->number;
    uint64_t bias = machine->stack->frames[machine->frame].code.bias;
    if (op->atom != DW_OP_addr &&
        (libdw->dwarf_getlocation_attr(&machine->program.attribute, op, &attribute) != 0 ||
         libdw->dwarf_formaddr(&attribute, &address) != 0))
        return fail(machine, "its expression is wrong");
    return push(machine, address + bias);
}

static bool jump(struct machine *machine, size_t *next)
{
    const struct dwarf_program *program = &machine->program;
    Dwarf_Op *op = &program->ops[*next - 1];
    // relative to what follows the operation, which has a number of two bytes
    uint64_t target = op->offset + 1 + sizeof(uint16_t) + op->number;
    struct number condition = {.value = 1};
    if (op->atom == DW_OP_bra && !numbers_pop(&machine->numbers, &condition))
        return false;
    if (!condition.value)
        return true;
    for (size_t i = 0; i < program->count; i++) {
        if (program->ops[i].offset == target) {
            *next = i;
            return true;
        }
    }
    return fail(machine, "its expression is wrong");
}

static bool step(struct machine *machine, Dwarf_Op *op, size_t *next)
{
    struct number dropped;
    uint8_t atom = op->atom;
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
        return push(machine, atom - DW_OP_lit0);
    if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
        return push_register(machine, atom - DW_OP_breg0, op->number);
    switch (atom) {
    case DW_OP_const1u ... DW_OP_consts:
        return push(machine, op->number);
    case DW_OP_addr:
    case DW_OP_addrx:
        return push_address(machine, op);
    case DW_OP_bregx:
        return push_register(machine, op->number, op->number2);
    case DW_OP_fbreg:
        return push_base(machine, op->number);
    case DW_OP_call_frame_cfa:
        return push_cfa(machine);
    case DW_OP_entry_value:
    case DW_OP_GNU_entry_value:
        return push_entry(machine, op);
    case DW_OP_deref:
        return load(machine, WORD, false, false);
    case DW_OP_deref_size:
        return load(machine, op->number, false, false);
    case DW_OP_deref_type:
    case DW_OP_GNU_deref_type:
        return load_typed(machine, op);
    case DW_OP_regval_type:
    case DW_OP_GNU_regval_type:
        return push_typed_register(machine, op);
    case DW_OP_const_type:
    case DW_OP_GNU_const_type:
        return push_typed_constant(machine, op);
    case DW_OP_convert:
    case DW_OP_GNU_convert:
    case DW_OP_reinterpret:
    case DW_OP_GNU_reinterpret:
        return convert(machine, op);
    case DW_OP_dup:
        return numbers_pick(&machine->numbers, 0);
    case DW_OP_over:
        return numbers_pick(&machine->numbers, 1);
    case DW_OP_pick:
        return numbers_pick(&machine->numbers, op->number);
    case DW_OP_drop:
        return numbers_pop(&machine->numbers, &dropped);
    case DW_OP_swap:
        return numbers_turn(&machine->numbers, 2);
    case DW_OP_rot:
        return numbers_turn(&machine->numbers, 3);
    case DW_OP_abs:
    case DW_OP_neg:
    case DW_OP_not:
    case DW_OP_plus_uconst:
        return numbers_change(&machine->numbers, atom, op->number);
    case DW_OP_and:
    case DW_OP_div:
    case DW_OP_minus:
    case DW_OP_mod:
    case DW_OP_mul:
    case DW_OP_or:
    case DW_OP_plus:
    case DW_OP_shl:
    case DW_OP_shr:
    case DW_OP_shra:
    case DW_OP_xor:
    case DW_OP_eq ... DW_OP_ne:
        return numbers_compute(&machine->numbers, atom);
    case DW_OP_bra:
    case DW_OP_skip:
        return jump(machine, next);
    case DW_OP_nop:
        return true;
    case DW_OP_piece:
    case DW_OP_bit_piece:
        return fail(machine, "it is in several places");
    case DW_OP_implicit_pointer:
    case DW_OP_GNU_implicit_pointer:
        return fail(machine, "what it points to was optimised out");
    default:
        return fail(machine, "its expression is not understood");
    }
}

// ---- results ------------------------------------------------------------------------------------

static bool finish(struct machine *machine, enum expression_kind kind, uint64_t value,
                   struct expression *result)
{
    *result = (struct expression){.kind = kind, .number = machine->made};
    result->number.known = true;
    result->number.value = value;
    return true;
}

// An operation that says what the variable is, and ends the program.
static bool is_last(struct machine *machine, Dwarf_Op *op, struct expression *result, bool *good)
{
    Dwarf_Block block;
    struct number item;
    uint64_t value = 0;
    if ((op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31) || op->atom == DW_OP_regx) {
        uint64_t number = op->atom == DW_OP_regx ? op->number : op->atom - (uint64_t)DW_OP_reg0;
        *good = read_register(machine, number, &value) &&
                finish(machine, EXPRESSION_REGISTER, value, result);
        return true;
    }
    if (op->atom == DW_OP_stack_value) {
        *good = numbers_pop(&machine->numbers, &item) &&
                finish(machine, EXPRESSION_VALUE, item.value, result);
        return true;
    }
    if (op->atom == DW_OP_implicit_value) {
        *good =
            libdw->dwarf_getlocation_implicit_value(&machine->program.attribute, op, &block) == 0 &&
            block.length <= WORD;
        if (*good)
            memcpy(&value, block.data, block.length);
        *good = *good ? finish(machine, EXPRESSION_VALUE, value, result)
                      : fail(machine, "its value is too large");
        return true;
    }
    return false;
}

static bool run(struct machine *machine, struct expression *result)
{
    const struct dwarf_program *program = &machine->program;
    struct number item;
    bool good = false;
    size_t next = 0;
    while (next < program->count) {
        Dwarf_Op *op = &program->ops[next++];
        if (++machine->stack->operations > MAX_OPERATIONS)
            return fail(machine, "its expression is too long");
        if (is_last(machine, op, result, &good)) {
            if (good && next < program->count)
                return fail(machine, "it is in several places");
            return good;
        }
        if (!step(machine, op, &next))
            return false;
    }
    return numbers_pop(&machine->numbers, &item) &&
           finish(machine, EXPRESSION_ADDRESS, item.value, result);
}

bool expression_run(struct code_stack *stack, size_t frame, const struct dwarf_program *program,
                    bool past, struct expression *result, const char **reason)
{
    struct machine machine = {.stack = stack, .frame = frame, .program = *program, .past = past};
    if (run(&machine, result))
        return true;
    *reason = machine.numbers.reason;
    return false;
}
