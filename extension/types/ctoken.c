// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/ctoken.h"

#include <ctype.h>
#include <string.h>

// Takes a number from a text; false when there is none.
static bool take_number(const char **at, const char *end, uint64_t *number)
{
    const char *first = *at;
    *number = 0;
    for (; *at < end && isdigit((unsigned char)**at); (*at)++) {
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(**at - '0'), number))
            return false;
    }
    return *at > first;
}

static void skip_blanks(const char **at, const char *end)
{
    while (*at < end && isspace((unsigned char)**at))
        (*at)++;
}

// "8 | 4", "12: 3 | 4" (byte and bit) or, in a union, "4" alone. Other comments are remarks about
// holes and padding. Their columns have had several widths.
static bool parse_columns(const char *at, const char *end, struct ccolumns *columns)
{
    uint64_t first;
    uint64_t bit = 0;
    *columns = (struct ccolumns){0};
    skip_blanks(&at, end);
    if (!take_number(&at, end, &first))
        return false;
    skip_blanks(&at, end);
    if (at < end && *at == ':') {
        at++;
        skip_blanks(&at, end);
        if (!take_number(&at, end, &bit))
            return false;
        skip_blanks(&at, end);
    }
    columns->has_size = true;
    if (at == end) {
        columns->size = first;
        return true;
    }
    columns->has_offset = true;
    if (*at++ != '|' || __builtin_mul_overflow(first, 8, &columns->bit_offset) ||
        __builtin_add_overflow(columns->bit_offset, bit, &columns->bit_offset))
        return false;
    skip_blanks(&at, end);
    if (!take_number(&at, end, &columns->size))
        return false;
    skip_blanks(&at, end);
    return at == end;
}

// Passes over blanks and comments.
static void skip(struct clexer *lexer)
{
    for (;;) {
        skip_blanks(&lexer->at, lexer->end);
        size_t left = (size_t)(lexer->end - lexer->at);
        if (left < 4 || lexer->at[0] != '/' || lexer->at[1] != '*')
            return;
        const char *close = memmem(lexer->at + 2, left - 2, "*/", 2);
        if (!close)
            return;
        struct ccolumns columns;
        if (parse_columns(lexer->at + 2, close, &columns))
            lexer->columns = columns;
        lexer->at = close + 2;
    }
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

void clexer_begin(struct clexer *lexer, const char *text, size_t length)
{
    *lexer = (struct clexer){.at = text, .end = text + length};
    clexer_advance(lexer);
}

void clexer_advance(struct clexer *lexer)
{
    skip(lexer);
    lexer->text = lexer->at;
    lexer->length = 0;
    lexer->kind = CTOKEN_END;
    if (lexer->at == lexer->end)
        return;
    if (isdigit((unsigned char)*lexer->at)) {
        lexer->kind = CTOKEN_NUMBER;
        if (!take_number(&lexer->at, lexer->end, &lexer->number))
            lexer->kind = CTOKEN_OTHER;
    } else if (is_word_char(*lexer->at)) {
        lexer->kind = CTOKEN_WORD;
        while (lexer->at < lexer->end && is_word_char(*lexer->at))
            lexer->at++;
    } else {
        lexer->kind = CTOKEN_OTHER;
        lexer->at++;
    }
    lexer->length = (size_t)(lexer->at - lexer->text);
}

bool clexer_is(const struct clexer *lexer, char c)
{
    return lexer->kind == CTOKEN_OTHER && *lexer->text == c;
}

bool clexer_is_word(const struct clexer *lexer, const char *word)
{
    return lexer->kind == CTOKEN_WORD && strlen(word) == lexer->length &&
           !memcmp(word, lexer->text, lexer->length);
}

bool clexer_take(struct clexer *lexer, char c)
{
    if (!clexer_is(lexer, c))
        return false;
    clexer_advance(lexer);
    return true;
}

bool clexer_take_group(struct clexer *lexer, const char **text, size_t *length)
{
    char open = *lexer->text;
    char close = open == '{' ? '}' : open == '(' ? ')' : open == '[' ? ']' : '>';
    size_t depth = 1;
    *text = lexer->at;
    for (clexer_advance(lexer); lexer->kind != CTOKEN_END; clexer_advance(lexer)) {
        if (clexer_is(lexer, open))
            depth++;
        if (clexer_is(lexer, close) && !--depth) {
            *length = (size_t)(lexer->text - *text);
            clexer_advance(lexer);
            return true;
        }
    }
    return false;
}
