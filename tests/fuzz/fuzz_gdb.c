// SPDX-License-Identifier: GPL-3.0-or-later
// The input is what was asked of gdb and what it answered:
//
//     (gdb) whatis struct node
//     type = struct node
//     (gdb) ptype /o struct node
//     ...
//
// A question that is not there gets the answer to another one, always the same, or none. The answer
// "!" is a question that failed, "^C" one that was interrupted.
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum { MAX_QUESTIONS = 64, MAX_LINE = 256 };

static const char prompt[] = "(gdb) ";

static struct question {
    char line[MAX_LINE];
    const char *answer;
    size_t length;
} questions[MAX_QUESTIONS];
static size_t question_count;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    fuzz_no_cache();
    return 0;
}

static void take_questions(const char *text, size_t size)
{
    const char *end = text + size;
    question_count = 0;
    for (const char *at = memmem(text, size, prompt, sizeof(prompt) - 1);
         at && question_count < MAX_QUESTIONS;) {
        struct question *question = &questions[question_count++];
        at += sizeof(prompt) - 1;
        const char *next = memmem(at, (size_t)(end - at), prompt, sizeof(prompt) - 1);
        const char *last = next ? next : end;
        const char *line = memchr(at, '\n', (size_t)(last - at));
        if (!line)
            line = last;
        size_t length = (size_t)(line - at) < MAX_LINE - 1 ? (size_t)(line - at) : MAX_LINE - 1;
        memcpy(question->line, at, length);
        question->line[length] = '\0';
        question->answer = line < last ? line + 1 : last;
        question->length = (size_t)(last - question->answer);
        at = next;
    }
}

static const struct question *question_for(const char *line)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < question_count; i++) {
        if (!strcmp(questions[i].line, line))
            return &questions[i];
    }
    for (; *line; line++)
        hash = (hash ^ (uint8_t)*line) * 0x100000001b3ull;
    size_t other = (hash ^ hash >> 32) % (question_count + 1);
    return other < question_count ? &questions[other] : NULL;
}

static bool answer(const char *line, struct host_text *text, struct error *err)
{
    // Without this one there is nothing to see.
    static const struct question first = {.answer = "type = struct list_head\n", .length = 24};
    const struct question *question =
        !strcmp(line, "whatis struct list_head") ? &first : question_for(line);
    if (!question || (question->length && *question->answer == '!'))
        return error_set(err, ERR_HOST, "gdb request failed: %s", line);
    if (question->length > 1 && !memcmp(question->answer, "^C", 2))
        return error_set(err, ERR_INTERRUPTED, "interrupted");
    text->bytes = malloc(question->length + 1);
    FUZZ_CHECK(text->bytes);
    memcpy(text->bytes, question->answer, question->length);
    text->bytes[question->length] = '\0';
    text->size = question->length;
    return true;
}

// What is asked for in a question: that what follows the words of gdb's command.
static const char *subject(const char *line)
{
    static const char *const commands[] = {"whatis ", "ptype /o ", "ptype ", "output/d sizeof("};
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (!strncmp(line, commands[i], strlen(commands[i])))
            line += strlen(commands[i]);
    }
    return *line == '&' ? line + 1 : line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *names[MAX_QUESTIONS];
    struct error err = {0};
    take_questions((const char *)data, size);
    fuzz_gdb_set(answer);
    types_choose("gdb", NULL);
    for (size_t i = 0; i < question_count; i++) {
        names[i] = subject(questions[i].line);
        types_find_expression(names[i], &err);
    }
    fuzz_walk_names(names, question_count);
    fuzz_reset();
    return 0;
}
