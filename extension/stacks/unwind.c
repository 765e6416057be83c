// SPDX-License-Identifier: GPL-3.0-or-later
#include "stacks/unwind.h"

#include <inttypes.h>
#include <string.h>

#include "memory/cache.h"
#include "stacks/orc.h"
#include "stacks/returns.h"
#include "symbols/symbols.h"

enum {
    MAX_SWITCHES = 8, // to other stacks: task, IRQ, exception within exception ...
    USER_MODE = 3,    // bits of cs
    FP_ENCODED = 1,   // a frame pointer that is the address of a struct pt_regs
};

// All that a kernel runs is above: itself, modules, what it compiles.
static const uint64_t TEXT_BASE = UINT64_C(0xffffffff80000000);

struct state {
    const struct stack_layout *layout;
    struct unwinding *out;
    uint64_t task; // 0 if it is not known
    uint64_t values[STACK_REGISTERS];
    uint32_t known; // bits of those that are
    bool exact;     // of the present ip
    bool guessed;
    unsigned switches;
};

static bool has(const struct state *state, enum stack_register which)
{
    return state->known >> which & 1;
}

static bool fail(struct state *state)
{
    state->out->end = UNWIND_END_ERROR;
    return false;
}

static bool damaged(struct state *state, uint64_t at, const char *what)
{
    error_set_at(&state->out->error, ERR_DAMAGED, at, "%s at 0x%" PRIx64, what, at);
    return fail(state);
}

static bool word_at(struct state *state, uint64_t at, uint64_t *word)
{
    if (at % sizeof(*word))
        return damaged(state, at, "a stack pointer that is not aligned");
    return cache_read_word(at, sizeof(*word), word, &state->out->error) || fail(state);
}

static bool push(struct state *state, uint64_t at, uint64_t regs)
{
    struct unwinding *out = state->out;
    if (out->count == UNWIND_MAX_FRAMES)
        return damaged(state, at, "more frames than are followed");
    out->frames[out->count++] = (struct stack_frame){.ip = state->values[STACK_IP],
                                                     .at = at,
                                                     .regs = regs,
                                                     .exact = state->exact,
                                                     .guessed = state->guessed};
    return true;
}

// The row of a frame with a frame pointer: the return address is above the saved one. A kernel that
// has no tables keeps frame pointers for them, and marks those that lead to a struct pt_regs.
static bool row_of_frame_pointer(const struct state *state, bool kept, struct orc_row *row)
{
    uint64_t sp = state->values[STACK_SP];
    uint64_t bp = state->values[STACK_BP];
    if (!has(state, STACK_BP))
        return false;
    *row = (struct orc_row){.sp_register = ORC_REG_BP,
                            .sp_offset = 2 * sizeof(uint64_t),
                            .bp_register = ORC_REG_PREV_SP,
                            .bp_offset = -2 * (int)sizeof(uint64_t),
                            .kind = ORC_CALL};
    if (!kept)
        return bp >= sp && bp - sp < state->layout->stack_size;
    if (!bp) {
        row->kind = ORC_END;
    } else if (bp & FP_ENCODED) {
        row->sp_offset = -FP_ENCODED;
        row->bp_register = ORC_REG_UNDEFINED;
        row->kind = ORC_REGS;
        row->exact = true;
    }
    return true;
}

// Was it reached by a call through a bad pointer? Nothing can be run there.
static bool is_wild(const struct state *state)
{
    uint64_t ip = state->values[STACK_IP];
    uint64_t byte;
    return state->exact && (ip < TEXT_BASE || !cache_read_word(ip, 1, &byte, NULL));
}

static bool row_find(struct state *state, struct orc_row *row)
{
    uint64_t ip = state->values[STACK_IP];
    struct error *err = &state->out->error;
    state->guessed = false;
    if (orc_find(state->exact ? ip : ip - 1, row, err) && row->kind != ORC_UNDEFINED)
        return true;
    if (err->code == ERR_INTERRUPTED || err->code == ERR_NO_MEMORY)
        return fail(state);
    bool kept = err->code == ERR_SYMBOL;
    if (is_wild(state)) {
        // only the return address was pushed
        *row =
            (struct orc_row){.sp_register = ORC_REG_SP, .sp_offset = sizeof(ip), .kind = ORC_CALL};
        err->code = ERR_NONE;
        return true;
    }
    state->guessed = row_of_frame_pointer(state, kept, row);
    if (state->guessed) {
        err->code = ERR_NONE;
        return true;
    }
    if (err->code == ERR_NONE)
        error_set_at(err, ERR_DAMAGED, ip, "nothing is known of how to unwind 0x%" PRIx64, ip);
    return fail(state);
}

// The register that the caller's frame is counted from.
static bool base_of(struct state *state, const struct orc_row *row, uint64_t *base)
{
    static const struct {
        bool valid;
        enum stack_register which;
    } sources[] = {
        [ORC_REG_DX] = {true, STACK_DX},
        [ORC_REG_DI] = {true, STACK_DI},
        [ORC_REG_BP] = {true, STACK_BP},
        [ORC_REG_SP] = {true, STACK_SP},
        [ORC_REG_R10] = {true, STACK_R10},
        [ORC_REG_R13] = {true, STACK_R13},
        [ORC_REG_BP_INDIRECT] = {true, STACK_BP},
        [ORC_REG_SP_INDIRECT] = {true, STACK_SP},
        [ORC_REG_SP_THEN_INDIRECT] = {true, STACK_SP},
    };
    size_t number = row->sp_register;
    if (number >= sizeof(sources) / sizeof(*sources) || !sources[number].valid ||
        !has(state, sources[number].which))
        return damaged(state, state->values[STACK_IP], "no register tells of the caller's frame");
    *base = state->values[sources[number].which];
    return true;
}

// Where the caller's frame begins.
static bool frame_find(struct state *state, const struct orc_row *row, uint64_t *frame)
{
    uint64_t offset = (uint64_t)(int64_t)row->sp_offset;
    if (!base_of(state, row, frame))
        return false;
    switch (row->sp_register) {
    case ORC_REG_SP_INDIRECT:
        if (!word_at(state, *frame, frame))
            return false;
        *frame += offset;
        return true;
    case ORC_REG_SP_THEN_INDIRECT:
    case ORC_REG_BP_INDIRECT:
        return word_at(state, *frame + offset, frame);
    case ORC_REG_SP:
    case ORC_REG_BP:
        *frame += offset;
        return true;
    default: // the frame itself
        return true;
    }
}

static bool regs_load(struct state *state, uint64_t regs, bool whole)
{
    uint32_t wanted = whole ? (1u << STACK_REGISTERS) - 1 : 1u << STACK_IP | 1u << STACK_SP;
    for (int i = 0; i < STACK_REGISTERS; i++) {
        if (wanted >> i & 1 && !word_at(state, regs + state->layout->regs[i], &state->values[i]))
            return false;
    }
    state->known |= wanted;
    return true;
}

// The instruction pointer that was saved at `at`, unless tracing has replaced it.
static bool ip_restore(struct state *state, uint64_t at)
{
    return returns_restore(state->task, at, &state->values[STACK_IP], &state->out->error) ||
           fail(state);
}

// Into what was interrupted. False when the stack ends there.
static bool step_regs(struct state *state, uint64_t frame, bool whole)
{
    // the part that the CPU saved begins with the instruction pointer
    uint64_t regs = whole ? frame : frame - state->layout->regs[STACK_IP];
    uint64_t cs;
    if (!word_at(state, regs + state->layout->regs_cs, &cs))
        return false;
    if ((cs & USER_MODE) == USER_MODE) {
        state->out->end = UNWIND_END_USER;
        state->out->user_regs = regs;
        return false;
    }
    if (!regs_load(state, regs, whole))
        return false;
    if (!cs && !state->values[STACK_IP]) {
        // where a thread of the kernel would have those of user space
        return state->guessed ? false : damaged(state, regs, "registers of nothing");
    }
    // interrupted where a function has just returned to: what it returned to is below
    return ip_restore(state, state->values[STACK_SP] - sizeof(uint64_t)) &&
           push(state, regs + state->layout->regs[STACK_IP], regs);
}

static bool step_call(struct state *state, uint64_t frame)
{
    uint64_t at = frame - sizeof(uint64_t);
    if (!word_at(state, at, &state->values[STACK_IP]) || !ip_restore(state, at))
        return false;
    if (state->values[STACK_IP] < TEXT_BASE)
        return damaged(state, at, "a return address of no kernel text");
    state->values[STACK_SP] = frame;
    // what a call does not preserve
    state->known &= 1u << STACK_IP | 1u << STACK_SP | 1u << STACK_BP;
    return push(state, at, 0);
}

static bool bp_find(struct state *state, const struct orc_row *row, uint64_t frame)
{
    uint64_t offset = (uint64_t)(int64_t)row->bp_offset;
    uint64_t *bp = &state->values[STACK_BP];
    switch (row->bp_register) {
    case ORC_REG_UNDEFINED:
        return true;
    case ORC_REG_PREV_SP:
        state->known |= 1u << STACK_BP;
        return word_at(state, frame + offset, bp);
    case ORC_REG_BP:
        return !has(state, STACK_BP) || word_at(state, *bp + offset, bp);
    default:
        return damaged(state, state->values[STACK_IP], "no register tells of the frame pointer");
    }
}

// One frame further out. False when there is none, or the stack cannot be followed.
static bool step(struct state *state)
{
    struct orc_row row;
    uint64_t frame;
    uint64_t sp = state->values[STACK_SP];
    if (!row_find(state, &row))
        return false;
    if (row.kind == ORC_END)
        return false;
    if (!frame_find(state, &row, &frame) || !bp_find(state, &row, frame))
        return false;
    state->exact = row.exact;
    if (row.kind == ORC_CALL ? !step_call(state, frame)
                             : !step_regs(state, frame, row.kind == ORC_REGS))
        return false;
    if (state->values[STACK_SP] <= sp && ++state->switches > MAX_SWITCHES)
        return damaged(state, sp, "the stack runs in a circle");
    return true;
}

// Follows a stack from the frame in `state`, which is the innermost.
static bool follow(struct state *state, uint64_t at)
{
    struct unwinding *out = state->out;
    out->end = UNWIND_END_WHOLE;
    bool more = push(state, at, 0);
    while (more)
        more = step(state);
    return out->end != UNWIND_END_ERROR ||
           (out->error.code != ERR_INTERRUPTED && out->error.code != ERR_NO_MEMORY);
}

static bool begin(struct state *state, uint64_t task, struct unwinding *unwinding)
{
    unwinding->count = 0;
    unwinding->user_regs = 0;
    unwinding->error.code = ERR_NONE;
    unwinding->end = UNWIND_END_ERROR;
    *state = (struct state){
        .out = unwinding, .layout = stack_layout_get(&unwinding->error), .task = task};
    return state->layout != NULL;
}

// The registers that a task left on its stack when it went to sleep. `at`: its stack pointer.
static bool task_registers(struct state *state, uint64_t *at)
{
    uint64_t task = state->task;
    const struct stack_layout *layout = state->layout;
    struct host_symbol symbol;
    uint64_t stack;
    uint64_t frame;
    uint64_t offset = 1;
    if (!word_at(state, task + layout->task_stack, &stack) ||
        !word_at(state, task + layout->task_sp, &frame))
        return false;
    if (!stack) {
        error_set_at(&state->out->error, ERR_NULL, task, "a task without a stack at 0x%" PRIx64,
                     task);
        return fail(state);
    }
    if (frame < stack || frame - stack >= layout->stack_size)
        return damaged(state, frame, "a stack pointer outside of the task's stack");
    *at = frame;
    if (!word_at(state, frame + layout->frame_bp, &state->values[STACK_BP]) ||
        !word_at(state, frame + layout->frame_ip, &state->values[STACK_IP]))
        return false;
    state->values[STACK_SP] = frame + layout->frame_size;
    state->known = 1u << STACK_IP | 1u << STACK_SP | 1u << STACK_BP;
    // a task that never ran yet is to begin at the first instruction of a function
    state->exact = symbols_at(state->values[STACK_IP], &symbol, &offset) && offset == 0;
    return true;
}

bool unwind_task(uint64_t task, struct unwinding *unwinding)
{
    struct state state;
    uint64_t at;
    if (!begin(&state, task, unwinding))
        return false;
    return !task_registers(&state, &at) || follow(&state, at);
}

bool unwind_registers(const struct stack_registers *registers, uint64_t task,
                      struct unwinding *unwinding)
{
    struct state state;
    if (!begin(&state, task, unwinding))
        return false;
    memcpy(state.values, registers->values, sizeof(state.values));
    state.known = registers->known;
    state.exact = true;
    return follow(&state, state.values[STACK_SP]);
}
