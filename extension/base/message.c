// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/message.h"

#include <stddef.h>
#include <time.h>

unsigned message_kinds;
static const struct message_observer *watching;

void message_observe(const struct message_observer *observer, unsigned kinds)
{
    watching = observer;
    message_kinds = observer ? kinds : 0;
}

const char *message_kind_name(enum message_kind kind)
{
    static const char *const names[] = {
        [MESSAGE_READ] = "READ", [MESSAGE_TRANSLATE] = "TRANSLATE", [MESSAGE_SYMBOL] = "SYMBOL",
        [MESSAGE_TYPE] = "TYPE", [MESSAGE_COMMAND] = "COMMAND",     [MESSAGE_GDB] = "GDB",
        [MESSAGE_TASK] = "TASK", [MESSAGE_PATH] = "PATH",           [MESSAGE_LIFE] = "LIFE"};
    return kind < MESSAGE_KINDS ? names[kind] : NULL;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

void message_send(struct message *message)
{
    if (!message_is_watched(message->kind))
        return;
    watching->sent(message);
    message->nanoseconds = now();
}

bool message_receive(struct message *message, bool ok, struct error *err)
{
    if (!message_is_watched(message->kind) || !message->nanoseconds)
        return ok;
    message->nanoseconds = now() - message->nanoseconds;
    message->ok = ok;
    message->failure = !ok && err && err->code != ERR_NONE ? err->message : "";
    if (watching->received(message))
        return ok;
    return error_set(err, ERR_INTERRUPTED, "interrupted by who watches");
}
