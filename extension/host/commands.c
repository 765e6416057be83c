// SPDX-License-Identifier: GPL-3.0-or-later
// Running crash and gdb commands from a program, with their output captured.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/capture.h"
#include "host/crash.h"
#include "host/host.h"
#include "host/trap.h"

// What a command line is to crash: globals, of which the outer command's are kept here meanwhile.
struct command_line {
    char original[BUFSIZE];
    char parsed[BUFSIZE];
    char *command;
    ulong redirect;
    ulong flags;
    ulonglong private;
};

static void line_save(struct command_line *line)
{
    memcpy(line->original, pc->orig_line, sizeof(line->original));
    memcpy(line->parsed, pc->command_line, sizeof(line->parsed));
    line->command = pc->curcmd;
    line->redirect = pc->redirect;
    line->flags = pc->curcmd_flags;
    line->private = pc->curcmd_private;
}

static void line_restore(const struct command_line *line)
{
    memcpy(pc->orig_line, line->original, sizeof(line->original));
    memcpy(pc->command_line, line->parsed, sizeof(line->parsed));
    pc->curcmd = line->command;
    pc->redirect = line->redirect;
    pc->curcmd_flags = line->flags;
    pc->curcmd_private = line->private;
}

static void command_run(void *argument)
{
    const char *line = argument;
    strcpy(pc->orig_line, line);
    strcpy(pc->command_line, line);
    pc->curcmd_flags = 0;
    pc->curcmd_private = 0;
    argcnt = parse_line(pc->command_line, args);
    optind = 0;
    if (argcnt)
        exec_command();
}

bool host_command(const char *line, struct host_text *text, struct error *err)
{
    *text = (struct host_text){0};
    if (strlen(line) >= BUFSIZE)
        return error_set(err, ERR_VALUE, "the command line has %zu bytes; crash takes %d at most",
                         strlen(line), BUFSIZE - 1);
    struct command_line *outer AUTO_FREE = malloc(sizeof(*outer));
    if (!outer)
        return error_set_no_memory(err);
    line_save(outer);
    bool ok = capture_run(command_run, (void *)line, text, err);
    line_restore(outer);
    return ok;
}

bool host_command_to(const char *line, int fd, struct error *err)
{
    if (strlen(line) >= BUFSIZE)
        return error_set(err, ERR_VALUE, "the command line has %zu bytes; crash takes %d at most",
                         strlen(line), BUFSIZE - 1);
    FILE *output = fdopen(fd, "w");
    if (!output)
        return error_set(err, ERR_HOST, "no output: %s", strerror(errno));
    setvbuf(output, NULL, _IOLBF, 0);
    fp = output;
    pc->error_fp = output;
    pc->error_path = strdup("redirect");
    bool ok = host_trap(command_run, (void *)line, TRAP_COMMAND, err);
    return fflush(output) == 0 && ok;
}

// Not in every crash.
#pragma weak set_error

struct target_call {
    const char *target;
    bool ok;
};

static void target_run(void *argument)
{
    struct target_call *call = argument;
    call->ok = set_error((char *)call->target) != NULL;
}

bool host_error_target(const char *target, char *before, size_t size, struct error *err)
{
    struct target_call call = {.target = target};
    snprintf(before, size, "%s", set_error && pc->error_path ? pc->error_path : "");
    if (!set_error)
        return true;
    // Else crash would print that it cannot.
    if (strcmp(target, "default") != 0 && strcmp(target, "redirect") != 0) {
        int fd = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return error_set(err, ERR_HOST, "crash cannot write its errors to %s: %s", target,
                             strerror(errno));
        close(fd);
    }
    if (!host_trap(target_run, &call, TRAP_PLAIN, err))
        return false;
    return call.ok || error_set(err, ERR_HOST, "crash cannot write its errors to %s", target);
}

struct gdb_call {
    const char *line;
    int ok;
};

static void gdb_run(void *argument)
{
    struct gdb_call *call = argument;
    call->ok = gdb_pass_through((char *)call->line, fp, GNU_RETURN_ON_ERROR);
}

bool host_gdb(const char *line, struct host_text *text, struct error *err)
{
    struct gdb_call call = {.line = line};
    if (!capture_run(gdb_run, &call, text, err))
        return false;
    if (host_interrupted())
        return error_set(err, ERR_INTERRUPTED, "interrupted");
    if (!call.ok)
        return error_set(err, ERR_HOST, "gdb could not do: %s", line);
    return true;
}
