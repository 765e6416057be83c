// SPDX-License-Identifier: GPL-3.0-or-later
// Questions to gdb, and the text of its answers.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "host/host.h"
#include "types/gdb.h"

enum { MAX_QUESTION = 1024, MAX_ANSWER = 8 << 20 };

// Behind "type = ", which follows a line with headings.
static const char *answer_in(const struct host_text *text)
{
    static const char mark[] = "type = ";
    const char *found = memmem(text->bytes, text->size, mark, sizeof(mark) - 1);
    return found ? found + sizeof(mark) - 1 : text->bytes;
}

char *gdb_ask(const char *line, size_t *length, struct error *err)
{
    struct host_text text SCOPED(host_text_free) = {0};
    struct error reason = {0};
    struct message message = {.kind = MESSAGE_GDB, .text = line};
    message_send(&message);
    bool ok = host_gdb(line, &text, &reason);
    message.number = text.size;
    if (!message_receive(&message, ok, &reason)) {
        // gdb gives no reasons.
        if (reason.code == ERR_HOST)
            error_set(err, ERR_TYPE, "gdb has no answer to: %.256s", line);
        else
            *err = reason;
        return NULL;
    }
    if (text.size > MAX_ANSWER) {
        error_set(err, ERR_TYPE, "gdb's answer to %.256s is too long", line);
        return NULL;
    }
    const char *answer = answer_in(&text);
    *length = text.size - (size_t)(answer - text.bytes);
    char *copy = malloc(*length + 1);
    if (!copy) {
        error_set_no_memory(err);
        return NULL;
    }
    memcpy(copy, answer, *length);
    copy[*length] = '\0';
    return copy;
}

char *gdb_askf(size_t *length, struct error *err, const char *format, ...)
{
    char line[MAX_QUESTION];
    va_list args;
    va_start(args, format);
    int needed = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (needed >= 0 && (size_t)needed < sizeof(line))
        return gdb_ask(line, length, err);
    error_set(err, ERR_TYPE, "too long a question to gdb: %.256s", line);
    return NULL;
}
