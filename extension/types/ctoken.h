// SPDX-License-Identifier: GPL-3.0-or-later
// The words of C declarations, as people and gdb write them.
#ifndef MPYKDUMP_TYPES_CTOKEN_H
#define MPYKDUMP_TYPES_CTOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ctoken_kind {
    CTOKEN_END,
    CTOKEN_WORD,
    CTOKEN_NUMBER,
    CTOKEN_OTHER, // a single character
};

// What gdb's `ptype /o` puts into a comment before a member.
struct ccolumns {
    bool has_offset; // members of unions have none
    bool has_size;
    uint64_t bit_offset;
    uint64_t size; // bytes
};

// A position in a text, and the token there. Comments are passed over.
struct clexer {
    const char *at; // behind the token
    const char *end;
    enum ctoken_kind kind;
    const char *text; // the token, not terminated
    size_t length;
    uint64_t number;
    struct ccolumns columns; // of the last comment passed that had some
};

// Begins at the first token.
void clexer_begin(struct clexer *lexer, const char *text, size_t length);
void clexer_advance(struct clexer *lexer);

// Is the token this character, or this word?
bool clexer_is(const struct clexer *lexer, char c);
bool clexer_is_word(const struct clexer *lexer, const char *word);

// Goes on behind the token if it is this character.
bool clexer_take(struct clexer *lexer, char c);

// From an opening bracket to behind the closing one; what is between them is in text and length.
// False when there is no closing one.
bool clexer_take_group(struct clexer *lexer, const char **text, size_t *length);

#endif
