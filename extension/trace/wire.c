// SPDX-License-Identifier: GPL-3.0-or-later
#include "trace/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_LINE = 2048, // less than a pipe takes in one piece
    MAX_TEXT = 400,  // of what somebody else wrote
};

static struct {
    int fd; // -1: none
    dev_t device;
    ino_t inode;
    int failure;
} wire = {.fd = -1};

struct line {
    char bytes[MAX_LINE];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    size_t room = sizeof(line->bytes) - line->used;
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line->bytes + line->used, room, format, args);
    va_end(args);
    if (wanted > 0)
        line->used += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

// Text that may be anything: one line of it, without what a terminal would obey.
static void add_text(struct line *line, const char *text)
{
    size_t count = 0;
    for (; *text && count < MAX_TEXT; text++, count++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\n')
            add(line, "\\n");
        else if (c < ' ' || c == 0x7f)
            add(line, "\\x%02x", c);
        else
            add(line, "%c", c);
    }
    if (*text)
        add(line, "...");
}

static void line_begin(struct line *line)
{
    line->used = 0;
    // Asked each time: a child goes on with its parent's trace.
    add(line, "[%ld] ", (long)getpid());
}

static bool is_ours(void)
{
    struct stat status;
    if (fstat(wire.fd, &status) < 0)
        return false;
    errno = EBADF;
    return status.st_dev == wire.device && status.st_ino == wire.inode;
}

static void line_end(struct line *line)
{
    // The newline is there, however much had to be left out.
    if (line->used > sizeof(line->bytes) - 2)
        line->used = sizeof(line->bytes) - 2;
    line->bytes[line->used++] = '\n';
    ssize_t written = -1;
    do {
        if (is_ours())
            written = write(wire.fd, line->bytes, line->used);
    } while (written < 0 && errno == EINTR);
    if (written == (ssize_t)line->used)
        return;
    wire.failure = written < 0 ? errno : ENOSPC;
    wire.fd = -1;
}

void wire_open(int fd)
{
    struct stat status;
    wire.fd = -1;
    if (fd < 0)
        return;
    if (fstat(fd, &status) < 0) {
        wire.failure = errno;
        return;
    }
    wire.device = status.st_dev;
    wire.inode = status.st_ino;
    wire.fd = fd;
}

int wire_failure(void)
{
    int failure = wire.failure;
    wire.failure = 0;
    return failure;
}

void wire_say(const char *text)
{
    struct line line;
    int before = errno;
    if (wire.fd < 0)
        return;
    line_begin(&line);
    add_text(&line, text);
    line_end(&line);
    errno = before;
}

static void add_quoted(struct line *line, const char *text)
{
    add(line, "\"");
    add_text(line, text);
    add(line, "\"");
}

static void add_question(struct line *line, const struct message *message)
{
    const char *what = message->what ? message->what : "";
    switch (message->kind) {
    case MESSAGE_READ:
        add(line, " addr=%" PRIx64 " size=%" PRIu64 " type=%s", message->address, message->argument,
            what);
        break;
    case MESSAGE_TRANSLATE:
        add(line, " %s addr=%" PRIx64, what, message->address);
        if (message->argument)
            add(line, " task=%" PRIx64, message->argument);
        break;
    case MESSAGE_SYMBOL:
        if (message->text) {
            add(line, " name=");
            add_text(line, message->text);
        } else {
            add(line, " %s%saddr=%" PRIx64, what, *what ? " " : "", message->address);
        }
        break;
    case MESSAGE_TYPE:
        add(line, " %s=", what);
        add_text(line, message->text);
        break;
    case MESSAGE_COMMAND:
    case MESSAGE_GDB:
        add(line, " ");
        add_quoted(line, message->text);
        add(line, "%s%s", *what ? " " : "", what);
        break;
    case MESSAGE_TASK:
        add(line, " %s", what);
        if (message->address)
            add(line, message->address >> 32 ? "(%" PRIx64 ")" : "(%" PRIu64 ")", message->address);
        break;
    case MESSAGE_PATH:
        add(line, " dentry=%" PRIx64 " mount=%" PRIx64, message->address, message->argument);
        break;
    case MESSAGE_LIFE:
    case MESSAGE_KINDS:
        break;
    }
}

static void add_answer(struct line *line, const struct message *message)
{
    bool is_value = message->what && !strcmp(message->what, "enumerator");
    switch (message->kind) {
    case MESSAGE_TYPE:
        if (is_value) {
            add(line, " %" PRId64, (int64_t)message->number);
            break;
        }
        // fall through
    case MESSAGE_READ:
    case MESSAGE_COMMAND:
    case MESSAGE_GDB:
        add(line, " %" PRIu64 " bytes", message->number);
        break;
    case MESSAGE_SYMBOL:
        if (message->name) {
            add(line, " ");
            add_text(line, message->name);
            if (message->number)
                add(line, "+0x%" PRIx64, message->number);
        } else {
            add(line, " %" PRIx64, message->number);
        }
        break;
    case MESSAGE_TRANSLATE:
    case MESSAGE_TASK:
        add(line, message->number >> 32 ? " %" PRIx64 : " %" PRIu64, message->number);
        break;
    case MESSAGE_PATH:
        add(line, " ");
        add_quoted(line, message->name);
        break;
    case MESSAGE_LIFE:
    case MESSAGE_KINDS:
        break;
    }
}

void wire_sent(const struct message *message)
{
    struct line line;
    int before = errno;
    if (wire.fd < 0)
        return;
    line_begin(&line);
    add(&line, "crash sent <%s", message_kind_name(message->kind));
    add_question(&line, message);
    add(&line, ">");
    line_end(&line);
    errno = before;
}

void wire_received(const struct message *message)
{
    struct line line;
    int before = errno;
    if (wire.fd < 0)
        return;
    line_begin(&line);
    add(&line, "crash received <%s", message_kind_name(message->kind));
    if (message->ok)
        add_answer(&line, message);
    else
        add(&line, *message->failure ? " failed" : " none");
    add(&line, " %.1fus", (double)message->nanoseconds / 1000);
    if (message->ok && message->kind == MESSAGE_READ)
        add(&line, message->cached ? " hit" : " miss");
    if (!message->ok && *message->failure) {
        add(&line, ": ");
        add_text(&line, message->failure);
    }
    add(&line, ">");
    line_end(&line);
    errno = before;
}
