// SPDX-License-Identifier: GPL-3.0-or-later
// The messages that cross into crash and back, for who wants to watch them.
//
// The rooms where a question is asked send a message and complete it with the answer; the one
// observer is put in from above. While nobody watches a kind, this is one branch that is never
// taken. Must not know who watches, nor what becomes of a message.
#ifndef MPYKDUMP_BASE_MESSAGE_H
#define MPYKDUMP_BASE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum message_kind {
    MESSAGE_READ,      // memory
    MESSAGE_TRANSLATE, // a user or physical address
    MESSAGE_SYMBOL,
    MESSAGE_TYPE,
    MESSAGE_COMMAND, // of crash
    MESSAGE_GDB,     // a command of gdb
    MESSAGE_TASK,    // crash's table of tasks
    MESSAGE_PATH,    // of a file
    MESSAGE_LIFE,    // of the interpreter and its programs; no question, only told
    MESSAGE_KINDS
};

struct message {
    enum message_kind kind;
    // The question, as far as its kind has these.
    const char *what;  // memory: its space; else what is asked for
    const char *text;  // a name, a command line
    uint64_t address;  // or another number
    uint64_t argument; // memory: bytes; else a second number
    // The answer. The numbers count only when it is ok.
    bool ok;
    bool cached;          // known before: nothing crossed
    uint64_t number;      // bytes, an address, a size
    const char *name;     // of a symbol, a path
    const char *failure;  // why there is no answer, "" where that is the answer
    uint64_t nanoseconds; // that it took; before that, when it was asked
};

struct message_observer {
    void (*sent)(const struct message *message);
    // False ends what is going on with ERR_INTERRUPTED: a Python exception is set.
    bool (*received)(const struct message *message);
};

extern unsigned message_kinds; // a bit for each kind that is watched

static inline bool message_is_watched(enum message_kind kind)
{
    return __builtin_expect((message_kinds & (1u << kind)) != 0, 0);
}

// Puts the observer in the place of the one before. No kinds: nobody watches.
void message_observe(const struct message_observer *observer, unsigned kinds);

// "READ"; NULL past the last kind.
const char *message_kind_name(enum message_kind kind);

// Around the work that answers: both do nothing while the kind is not watched.
void message_send(struct message *message);

// Takes whether there is an answer, else why; returns that, or false when the observer ends it
// (err is ERR_INTERRUPTED then). err may be NULL.
bool message_receive(struct message *message, bool ok, struct error *err);

#endif
