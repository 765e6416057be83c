// SPDX-License-Identifier: GPL-3.0-or-later
#include "host/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/crash.h"
#include "host/trap.h"

void host_text_free(struct host_text *text)
{
    free(text->bytes);
    *text = (struct host_text){0};
}

static FILE *file;

static FILE *capture_file(struct error *err)
{
    if (file)
        return file;
    int fd = memfd_create("mpykdump-capture", MFD_CLOEXEC);
    if (fd >= 0)
        file = fdopen(fd, "w+");
    if (!file)
        error_set(err, ERR_HOST, "no file to capture crash's output: %s", strerror(errno));
    return file;
}

// Has a program, or who types commands, said where errors go.
static bool errors_are_elsewhere(void)
{
    return pc->error_path && strcmp(pc->error_path, "default") != 0 &&
           strcmp(pc->error_path, "redirect") != 0;
}

void capture_after_fork(void)
{
    int fresh = file ? memfd_create("mpykdump-capture", MFD_CLOEXEC) : -1;
    if (fresh < 0)
        return;
    // Under the same FILE, since gdb may have it.
    dup3(fresh, fileno(file), O_CLOEXEC);
    close(fresh);
    rewind(file);
}

bool capture_begin(struct capture *capture, bool all_errors, struct error *err)
{
    capture->file = capture_file(err);
    if (!capture->file)
        return false;
    // With this word error() prints to fp alone, and not to the terminal as well. crash frees it
    // when a command chooses another.
    capture->own_path = NULL;
    bool redirect = all_errors || !errors_are_elsewhere();
    if (redirect && !(capture->own_path = strdup("redirect")))
        return error_set_no_memory(err);
    fflush(fp);
    fflush(capture->file);
    capture->start = ftell(capture->file);
    capture->output = fp;
    capture->error_output = pc->error_fp;
    capture->error_path = pc->error_path;
    fp = capture->file;
    if (redirect) {
        pc->error_fp = capture->file;
        pc->error_path = capture->own_path;
    }
    return true;
}

// The errors go where they went before, or where the command wants them from now on.
static void errors_restore(const struct capture *capture)
{
    if (pc->error_path == (capture->own_path ? capture->own_path : capture->error_path)) {
        pc->error_fp = capture->error_output;
        pc->error_path = capture->error_path;
        free(capture->own_path);
        return;
    }
    // crash has freed the word that was there, and closed the file unless it was its output.
    if (capture->own_path) {
        free(capture->error_path);
        if (capture->error_output && capture->error_output != stdout &&
            capture->error_output != capture->output)
            fclose(capture->error_output);
    }
    if (pc->error_fp == capture->file)
        pc->error_fp = capture->output;
}

static bool text_read(int fd, long start, long end, struct host_text *text, struct error *err)
{
    size_t size = start >= 0 && end > start ? (size_t)(end - start) : 0;
    text->size = 0;
    text->bytes = malloc(size + 1);
    if (!text->bytes)
        return error_set_no_memory(err);
    while (text->size < size) {
        ssize_t n =
            pread(fd, text->bytes + text->size, size - text->size, start + (off_t)text->size);
        if (n <= 0)
            break;
        text->size += (size_t)n;
    }
    text->bytes[text->size] = '\0';
    return true;
}

bool capture_end(struct capture *capture, struct host_text *text, struct error *err)
{
    errors_restore(capture);
    // A jump may already have put crash's output elsewhere; that choice stands then.
    if (fp == capture->file)
        fp = capture->output;

    bool ok = true;
    fflush(capture->file);
    if (text)
        ok = text_read(fileno(capture->file), capture->start, ftell(capture->file), text, err);
    clearerr(capture->file);
    fseek(capture->file, capture->start, SEEK_SET);
    if (ftruncate(fileno(capture->file), capture->start) < 0)
        clearerr(capture->file);
    return ok;
}

static bool run(void (*call)(void *), void *argument, bool all_errors, struct host_text *text,
                struct error *err)
{
    struct capture capture;
    *text = (struct host_text){0};
    if (!capture_begin(&capture, all_errors, err))
        return false;
    bool ok = host_trap(call, argument, TRAP_COMMAND, err);
    return capture_end(&capture, text, err) && ok;
}

bool capture_run(void (*call)(void *), void *argument, struct host_text *text, struct error *err)
{
    return run(call, argument, false, text, err);
}

// crash's messages begin with the name of the command, which is ours.
static const char *message_of(struct host_text *text)
{
    char *message = text->bytes ? text->bytes + strspn(text->bytes, "\n") : "";
    char *colon = strstr(message, ": ");
    message[strcspn(message, "\n")] = '\0';
    return colon && pc->curcmd && !strncmp(message, pc->curcmd, strlen(pc->curcmd)) ? colon + 2
                                                                                    : message;
}

bool capture_ask(void (*call)(void *), void *argument, struct error *err)
{
    struct host_text text;
    struct error reason = {0};
    bool ok = run(call, argument, true, &text, &reason);
    if (!ok && reason.code == ERR_HOST && text.size)
        error_set(&reason, ERR_HOST, "%s", message_of(&text));
    if (!ok && err)
        *err = reason;
    host_text_free(&text);
    return ok;
}
