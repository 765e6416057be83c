// SPDX-License-Identifier: GPL-3.0-or-later
// The image's commands: those whose output a test gave, and those that were registered.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host_image/image.h"

struct command {
    bool gdb;
    bool fails;
    char *line;
    char *text;
    size_t size;
};

static struct command commands[IMAGE_MAX];
static size_t command_count;
static char *registered[IMAGE_MAX];
static size_t registered_count;

bool image_command_add(bool gdb, const char *line, const void *text, size_t size, bool fails,
                       struct error *err)
{
    if (command_count == IMAGE_MAX)
        return error_set(err, ERR_VALUE, "more than %d commands", IMAGE_MAX);
    struct command command = {.gdb = gdb, .fails = fails, .size = size};
    command.line = strdup(line);
    command.text = malloc(size + 1);
    if (!command.line || !command.text) {
        free(command.line);
        free(command.text);
        return error_set_no_memory(err);
    }
    memcpy(command.text, text, size);
    command.text[size] = '\0';
    commands[command_count++] = command;
    return true;
}

void host_text_free(struct host_text *text)
{
    free(text->bytes);
    *text = (struct host_text){0};
}

static bool run(bool gdb, const char *line, struct host_text *text, struct error *err)
{
    *text = (struct host_text){0};
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        if (command->gdb != gdb || strcmp(command->line, line) != 0)
            continue;
        text->bytes = malloc(command->size + 1);
        if (!text->bytes)
            return error_set_no_memory(err);
        memcpy(text->bytes, command->text, command->size + 1);
        text->size = command->size;
        return !command->fails || error_set(err, ERR_HOST, "%s failed", line);
    }
    return error_set(err, ERR_HOST, "no such command: %s", line);
}

bool host_command(const char *line, struct host_text *text, struct error *err)
{
    return run(false, line, text, err);
}

bool host_gdb(const char *line, struct host_text *text, struct error *err)
{
    if (!run(true, line, text, err))
        return false;
    return !host_interrupted() || error_set(err, ERR_INTERRUPTED, "interrupted");
}

bool host_command_to(const char *line, int fd, struct error *err)
{
    struct host_text text;
    bool ok = run(false, line, &text, err);
    for (size_t done = 0; done < text.size;) {
        ssize_t written = write(fd, text.bytes + done, text.size - done);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    host_text_free(&text);
    return ok;
}

static char error_target[256] = "default";

bool host_error_target(const char *target, char *before, size_t size, struct error *err)
{
    if (target[0] == '/' && strcmp(target, "/dev/null") != 0)
        return error_set(err, ERR_HOST, "invalid path: %s", target);
    snprintf(before, size, "%s", error_target);
    snprintf(error_target, sizeof(error_target), "%s", target);
    return true;
}

// Does the host have a command of that name: the first word of a line it knows.
static bool command_exists(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < command_count; i++) {
        const char *line = commands[i].line;
        if (!commands[i].gdb && !strncmp(line, name, length) &&
            (line[length] == ' ' || line[length] == '\0'))
            return true;
    }
    return false;
}

bool host_command_register(const struct host_registration *registration, struct error *err)
{
    const char *name = registration->name;
    for (size_t i = 0; i < registered_count; i++) {
        if (!strcmp(registered[i], name))
            return error_set(err, ERR_VALUE, "command %s is registered already", name);
    }
    if (command_exists(name))
        return error_set(err, ERR_VALUE, "crash already has a command %s", name);
    char *copy = registered_count < IMAGE_MAX ? strdup(name) : NULL;
    if (!copy)
        return error_set_no_memory(err);
    registered[registered_count++] = copy;
    return true;
}

const char *host_command_name(size_t index)
{
    return index < registered_count ? registered[index] : NULL;
}

void image_commands_reset(void)
{
    for (size_t i = 0; i < command_count; i++) {
        free(commands[i].line);
        free(commands[i].text);
    }
    for (size_t i = 0; i < registered_count; i++)
        free(registered[i]);
    command_count = 0;
    registered_count = 0;
}
