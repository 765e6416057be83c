// SPDX-License-Identifier: GPL-3.0-or-later
#include "host/trap.h"

#include <pthread.h>
#include <setjmp.h>
#include <string.h>

#include "host/crash.h"
#include "host/interrupt.h"

bool host_catch(void (*call)(void *), void *argument);
void host_catch_forget_quit(void);

static pthread_t crash_thread;

void host_trap_init(void)
{
    crash_thread = pthread_self();
}

bool host_trap_is_here(void)
{
    return pthread_equal(crash_thread, pthread_self());
}

void host_trap_send(int signal_number)
{
    pthread_kill(crash_thread, signal_number);
}

// The words of the command being run: parsed afresh by commands, and by some of what looks like a
// plain function.
struct command_words {
    char *words[MAXARGS];
    int count;
    int next_option;
    char *option_argument;
};

// What a call may leave changed in crash. Static storage would not nest; this lives in the frame
// of host_trap, which no jump leaves.
struct crash_state {
    jmp_buf main_loop;
    jmp_buf foreach_loop;
    unsigned long long in_foreach;
    FILE *output;
    char *command;
    void (*cleanup)(void *);
    void *cleanup_argument;
    // With TRAP_COMMAND:
    struct command_words line;
    struct sigaction sigint;
    unsigned cleanups;
};

static void state_save(struct crash_state *state)
{
    memcpy(&state->main_loop, &pc->main_loop_env, sizeof(state->main_loop));
    memcpy(&state->foreach_loop, &pc->foreach_loop_env, sizeof(state->foreach_loop));
    state->in_foreach = pc->flags & IN_FOREACH;
    state->output = fp;
    state->command = pc->curcmd;
    state->cleanup = pc->cmd_cleanup;
    state->cleanup_argument = pc->cmd_cleanup_arg;
    state->cleanups = interrupt_cleanups();
    pc->cmd_cleanup = NULL;
    pc->flags &= ~IN_FOREACH;
}

static void state_restore(const struct crash_state *state)
{
    memcpy(&pc->main_loop_env, &state->main_loop, sizeof(state->main_loop));
    memcpy(&pc->foreach_loop_env, &state->foreach_loop, sizeof(state->foreach_loop));
    pc->flags = (pc->flags & ~IN_FOREACH) | state->in_foreach;
    pc->cmd_cleanup = state->cleanup;
    pc->cmd_cleanup_arg = state->cleanup_argument;
}

static void words_save(struct command_words *line)
{
    memcpy(line->words, args, sizeof(line->words));
    line->count = argcnt;
    line->next_option = optind;
    line->option_argument = optarg;
}

static void words_restore(const struct command_words *line)
{
    memcpy(args, line->words, sizeof(line->words));
    argcnt = line->count;
    optind = line->next_option;
    optarg = line->option_argument;
}

// After a jump or a throw: what crash's main loop would have put in order.
static void state_mend(const struct crash_state *state)
{
    bool outputs_closed = interrupt_cleanups() != state->cleanups;

    pc->flags &= ~IN_GDB;
    pc->cur_req = NULL;
    pc->cur_gdb_cmd = 0;
    pc->curcmd = state->command;
    // Forgotten first: should it fail, it must not be called for that again.
    void (*cleanup)(void *) = pc->cmd_cleanup;
    pc->cmd_cleanup = NULL;
    if (cleanup)
        cleanup(pc->cmd_cleanup_arg);
    // What it keeps of the task it read last may be half of another one by now.
    tt->last_task_read = tt->last_thread_info_read = tt->last_mm_read = 0;
    if (pc->tmpfile)
        close_tmpfile();
    if (pc->tmpfile2)
        close_tmpfile2();
    free_all_bufs();
    fp = outputs_closed ? stdout : state->output;
}

bool host_trap(void (*call)(void *), void *argument, enum trap_flags flags, struct error *err)
{
    if (!host_trap_is_here())
        return error_set(err, ERR_THREAD, "crash may be called from its own thread only");

    struct crash_state state;
    state_save(&state);
    if (flags & TRAP_COMMAND) {
        words_save(&state.line);
        sigaction(SIGINT, NULL, &state.sigint);
    }

    // Ctrl-C is crash's, and jumps, only while the jump leads here.
    volatile bool returned = false;
    if (setjmp(pc->main_loop_env) == 0) {
        if (flags & TRAP_COMMAND)
            interrupt_give_to_crash();
        returned = host_catch(call, argument);
    }
    if (flags & TRAP_COMMAND)
        interrupt_take_back(&state.sigint);

    if (!returned)
        state_mend(&state);
    state_restore(&state);
    if (flags & TRAP_COMMAND) {
        words_restore(&state.line);
        host_catch_forget_quit();
    }
    if (interrupt_cleanups() != state.cleanups) {
        // crash's own Ctrl-C path ran: it has closed pipes and files on its way.
        interrupt_raise();
        return error_set(err, ERR_INTERRUPTED, "interrupted");
    }
    if (!returned)
        return error_set(err, ERR_HOST, "crash reported an error");
    return true;
}
