// SPDX-License-Identifier: GPL-3.0-or-later
// Output kept in a buffer for the test to look at, and interrupts: what touches the process.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host_image/image.h"

static char *written;
static size_t written_size;
static enum host_output_kind kind = HOST_OUTPUT_PIPE;
static int failure;
static struct host_interrupt_hooks hooks;

// A signal comes once, half-way.
static int interrupted_write(size_t *size)
{
    if (failure != EINTR)
        return 0;
    failure = 0;
    *size /= 2;
    return EINTR;
}

int host_output_write(const void *bytes, size_t size, size_t *taken)
{
    int reason = interrupted_write(&size);
    *taken = 0;
    if (failure)
        return failure;
    char *longer = realloc(written, written_size + size + 1);
    if (!longer)
        return ENOMEM;
    memcpy(longer + written_size, bytes, size);
    written = longer;
    written_size += size;
    *taken = size;
    return reason;
}

int host_output_flush(void)
{
    size_t nothing = 0;
    return interrupted_write(&nothing) ? EINTR : failure;
}

// There is no file.
int host_output_fileno(void)
{
    return -1;
}

enum host_output_kind host_output_kind(void)
{
    return kind;
}

// There is no pager.
void host_output_leave_pager(void)
{
}

const char *image_output(size_t *size)
{
    *size = written_size;
    return written ? written : "";
}

void image_output_clear(void)
{
    free(written);
    written = NULL;
    written_size = 0;
}

void image_output_set(enum host_output_kind new_kind, int reason)
{
    kind = new_kind;
    failure = reason;
}

void host_interrupts_adopt(const struct host_interrupt_hooks *new_hooks)
{
    hooks = *new_hooks;
}

bool host_interrupted(void)
{
    return hooks.check && hooks.check();
}

// The process is Python's own: SIGINT is, too, before, during and after a program.
void host_enter(struct host_entry *entry)
{
    sigaction(SIGINT, NULL, &entry->sigint);
}

void host_leave(struct host_entry *entry)
{
    sigaction(SIGINT, &entry->sigint, NULL);
}

// The image is memory, of which a child has a copy.
void host_after_fork(void)
{
}

// There is no prompt.
void host_prompt_watch(void (*call)(void))
{
    (void)call;
}
