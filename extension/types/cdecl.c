// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/cdecl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NESTING = 16 }; // of parentheses in a declarator

static bool is_one_of(const struct clexer *lexer, const char *const *words)
{
    for (; *words; words++) {
        if (clexer_is_word(lexer, *words))
            return true;
    }
    return false;
}

static const char *const qualifiers[] = {"const",  "volatile", "restrict", "__restrict", "_Atomic",
                                         "static", "extern",   "register", "_Noreturn",  NULL};

static const char *const base_words[] = {"unsigned", "signed",   "short", "long",   "int",
                                         "char",     "_Bool",    "float", "double", "_Complex",
                                         "void",     "__int128", NULL};

static void skip_qualifiers(struct clexer *lexer)
{
    while (is_one_of(lexer, qualifiers))
        clexer_advance(lexer);
}

static bool set_text(char buffer[CDECL_MAX_NAME], const char *text, size_t length)
{
    if (length >= CDECL_MAX_NAME)
        return false;
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    return true;
}

static bool add_word(char buffer[CDECL_MAX_NAME], const struct clexer *lexer)
{
    size_t used = strlen(buffer);
    if (used + 1 + lexer->length >= CDECL_MAX_NAME)
        return false;
    if (used)
        buffer[used++] = ' ';
    return set_text(buffer + used, lexer->text, lexer->length);
}

// ---- what stands before the declarator ----------------------------------------------------------

// How often the words occur that integers are made of.
struct integer_words {
    int is_unsigned, is_signed, shorts, longs, ints, chars, wide, others;
};

static void count_word(struct integer_words *words, const struct clexer *lexer)
{
    const struct {
        const char *word;
        int *count;
    } counts[] = {
        {"unsigned", &words->is_unsigned}, {"signed", &words->is_signed}, {"short", &words->shorts},
        {"long", &words->longs},           {"int", &words->ints},         {"char", &words->chars},
        {"__int128", &words->wide},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        if (clexer_is_word(lexer, counts[i].word)) {
            ++*counts[i].count;
            return;
        }
    }
    words->others++;
}

// "unsigned long" and "long unsigned int" are one type; compilers write the second. NULL for what
// is no integer.
static const char *integer_name(const struct integer_words *words)
{
    if (words->others)
        return NULL;
    if (words->wide)
        return words->is_unsigned ? "__int128 unsigned" : "__int128";
    if (words->chars)
        return words->is_unsigned ? "unsigned char" : words->is_signed ? "signed char" : "char";
    if (words->shorts)
        return words->is_unsigned ? "short unsigned int" : "short int";
    if (words->longs > 1)
        return words->is_unsigned ? "long long unsigned int" : "long long int";
    if (words->longs)
        return words->is_unsigned ? "long unsigned int" : "long int";
    return words->is_unsigned ? "unsigned int" : "int";
}

static bool take_base_words(struct clexer *lexer, struct cdecl *decl)
{
    struct integer_words words = {0};
    for (; lexer->kind == CTOKEN_WORD; skip_qualifiers(lexer)) {
        bool base = is_one_of(lexer, base_words);
        // A name that is no word of C stands alone, and the next one is what is declared.
        if (!base && *decl->tag)
            break;
        if (!add_word(decl->tag, lexer))
            return false;
        count_word(&words, lexer);
        clexer_advance(lexer);
        if (!base)
            break;
    }
    const char *integer = *decl->tag ? integer_name(&words) : NULL;
    if (integer)
        strcpy(decl->tag, integer);
    return *decl->tag;
}

// "<data variable, no debug info>" is how gdb calls what it does not know.
static bool take_remark(struct clexer *lexer, struct cdecl *decl)
{
    const char *start = lexer->text;
    const char *text;
    size_t length;
    return clexer_take_group(lexer, &text, &length) && set_text(decl->tag, start, length + 2);
}

static bool take_base(struct clexer *lexer, struct cdecl *decl)
{
    static const struct {
        const char *word;
        enum cdecl_base base;
    } keywords[] = {{"struct", CDECL_STRUCT},
                    {"class", CDECL_STRUCT},
                    {"union", CDECL_UNION},
                    {"enum", CDECL_ENUM}};

    skip_qualifiers(lexer);
    if (clexer_is(lexer, '<'))
        return take_remark(lexer, decl);
    for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
        if (clexer_is_word(lexer, keywords[i].word)) {
            decl->base = keywords[i].base;
            clexer_advance(lexer);
            break;
        }
    }
    if (decl->base == CDECL_ORDINARY)
        return take_base_words(lexer, decl);
    if (lexer->kind == CTOKEN_WORD) {
        if (!add_word(decl->tag, lexer))
            return false;
        clexer_advance(lexer);
    }
    // "enum x : unsigned char {" is what newer compilers let one write.
    if (decl->base == CDECL_ENUM && clexer_is(lexer, ':')) {
        while (lexer->kind != CTOKEN_END && !clexer_is(lexer, '{'))
            clexer_advance(lexer);
    }
    if (clexer_is(lexer, '{') && !clexer_take_group(lexer, &decl->body, &decl->body_length))
        return false;
    skip_qualifiers(lexer);
    return *decl->tag || decl->body;
}

// ---- declarators --------------------------------------------------------------------------------

static bool add_link(struct cdecl *decl, struct cdecl_link link)
{
    if (decl->count == CDECL_MAX_LINKS)
        return false;
    decl->links[decl->count++] = link;
    return true;
}

static bool take_dimension(struct clexer *lexer, struct cdecl *decl)
{
    struct cdecl_link link = {.kind = CDECL_ARRAY};
    clexer_advance(lexer);
    if (lexer->kind == CTOKEN_NUMBER) {
        link.length = lexer->number;
        clexer_advance(lexer);
    }
    return clexer_take(lexer, ']') && add_link(decl, link);
}

static bool take_suffixes(struct clexer *lexer, struct cdecl *decl)
{
    for (;;) {
        struct cdecl_link link = {.kind = CDECL_FUNCTION};
        if (clexer_is(lexer, '[')) {
            if (!take_dimension(lexer, decl))
                return false;
        } else if (clexer_is(lexer, '(')) {
            // No parameter begins so, and written out it would read as a declarator.
            struct clexer inner = *lexer;
            clexer_advance(&inner);
            if (clexer_is(&inner, '*') || clexer_is(&inner, '('))
                return false;
            if (!clexer_take_group(lexer, &link.parameters, &link.parameters_length) ||
                !add_link(decl, link))
                return false;
        } else {
            return true;
        }
    }
}

static bool take_declarator(struct clexer *lexer, struct cdecl *decl, int nesting)
{
    size_t stars = 0;
    if (nesting > MAX_NESTING)
        return false;
    for (; clexer_take(lexer, '*'); stars++)
        skip_qualifiers(lexer);
    // A parenthesis opens a declarator when what follows cannot be a parameter.
    struct clexer inner = *lexer;
    if (clexer_take(&inner, '(') && (clexer_is(&inner, '*') || clexer_is(&inner, '('))) {
        *lexer = inner;
        if (!take_declarator(lexer, decl, nesting + 1) || !clexer_take(lexer, ')'))
            return false;
    } else if (lexer->kind == CTOKEN_WORD) {
        if (*decl->name || !add_word(decl->name, lexer))
            return false;
        clexer_advance(lexer);
    }
    if (!take_suffixes(lexer, decl))
        return false;
    for (; stars; stars--) {
        if (!add_link(decl, (struct cdecl_link){.kind = CDECL_POINTER}))
            return false;
    }
    return true;
}

static void clear(struct cdecl *decl)
{
    decl->base = CDECL_ORDINARY;
    decl->tag[0] = decl->name[0] = '\0';
    decl->body = NULL;
    decl->body_length = decl->count = 0;
    decl->has_bits = false;
    decl->bits = 0;
}

bool cdecl_take(struct clexer *lexer, struct cdecl *decl)
{
    clear(decl);
    if (!take_base(lexer, decl) || !take_declarator(lexer, decl, 0))
        return false;
    if (clexer_take(lexer, ':')) {
        decl->has_bits = lexer->kind == CTOKEN_NUMBER;
        decl->bits = lexer->number;
        clexer_advance(lexer);
        return decl->has_bits;
    }
    return true;
}

bool cdecl_parse(const char *text, size_t length, struct cdecl *decl)
{
    struct clexer lexer;
    clexer_begin(&lexer, text, length);
    return cdecl_take(&lexer, decl) && lexer.kind == CTOKEN_END;
}

bool cdecl_parse_type(const char *text, size_t length, struct cdecl *decl)
{
    return cdecl_parse(text, length, decl) && !*decl->name && !decl->has_bits && !decl->body;
}

bool cdecl_take_parameter(struct clexer *lexer, struct cdecl *decl, bool *variadic)
{
    if (lexer->kind == CTOKEN_END)
        return false;
    if (clexer_is(lexer, '.')) {
        *variadic = true;
        return false;
    }
    if (!cdecl_take(lexer, decl)) {
        clear(decl);
        strcpy(decl->tag, "?");
    }
    while (lexer->kind != CTOKEN_END && !clexer_is(lexer, ','))
        clexer_advance(lexer);
    clexer_take(lexer, ',');
    return decl->count || strcmp(decl->tag, "void") != 0;
}

// ---- writing ------------------------------------------------------------------------------------

static bool put(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool put(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(buffer, size, format, args);
    va_end(args);
    return length >= 0 && (size_t)length < size;
}

// One more link around what is written already.
static bool put_link(const struct cdecl_link *link, const char *inside, char *buffer, size_t size)
{
    const char *open = *inside == '*' && link->kind != CDECL_POINTER ? "(" : "";
    const char *close = *open ? ")" : "";
    switch (link->kind) {
    case CDECL_POINTER:
        return put(buffer, size, "*%s", inside);
    case CDECL_ARRAY:
        return put(buffer, size, "%s%s%s[%" PRIu64 "]", open, inside, close, link->length);
    case CDECL_FUNCTION:
        break;
    }
    return link->parameters_length < size && put(buffer, size, "%s%s%s(%.*s)", open, inside, close,
                                                 (int)link->parameters_length, link->parameters);
}

bool cdecl_format(const struct cdecl *decl, size_t first, char *buffer, size_t size)
{
    static const char *const keywords[] = {"", "struct ", "union ", "enum "};
    char one[CDECL_MAX_SPELLING] = "";
    char other[CDECL_MAX_SPELLING];
    char *inside = one;
    char *outside = other;
    for (size_t i = first; i < decl->count; i++) {
        if (!put_link(&decl->links[i], inside, outside, sizeof(one)))
            return false;
        char *swapped = inside;
        inside = outside;
        outside = swapped;
    }
    return put(buffer, size, "%s%s%s%s", keywords[decl->base], decl->tag, *inside ? " " : "",
               inside);
}
