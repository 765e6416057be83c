// SPDX-License-Identifier: GPL-3.0-or-later
#include "host/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/crash.h"
#include "host/interrupt.h"
#include "host/trap.h"

enum { MAX_COMMANDS = 256 };

// crash walks the table while it runs commands and their help, and keeps pointers into it: nothing
// moves until the file is unloaded, which is why there is a fixed number of places.
static struct {
    struct extension_table *extension;
    struct command_table_entry *entries; // ends with one whose name is NULL
    size_t count;                        // without the cleanup entry and the end
    registry_handler handler;
    bool committed;
} registry;

// crash calls this after every command and every jump to its main loop.
static void on_cleanup(void)
{
    interrupt_note_cleanup();
}

static void on_command(void)
{
    // The words lie in a line that nested commands overwrite.
    char *words[MAXARGS + 1] = {0};
    size_t size = 0;
    int count = argcnt < MAXARGS ? argcnt : MAXARGS;

    for (int i = 0; i < count; i++)
        size += strlen(args[i]) + 1;
    char *copy AUTO_FREE = malloc(size + 1);
    if (!copy)
        return;
    char *next = copy;
    for (int i = 0; i < count; i++) {
        words[i] = next;
        next = stpcpy(next, args[i]) + 1;
    }
    registry.handler(count, words);
}

static void help_free(char **help)
{
    for (char **line = help; line && *line; line++)
        free(*line);
    free(help);
}

// crash's form: name, summary, synopsis, then the text line by line, then NULL.
static char **help_new(const struct host_registration *registration)
{
    size_t lines = 1;
    for (const char *c = registration->help; *c; c++)
        lines += *c == '\n';
    char **help = calloc(lines + 4, sizeof(*help));
    char *text AUTO_FREE = strdup(registration->help);
    if (!help || !text) {
        free(help);
        return NULL;
    }
    char **next = help;
    *next++ = strdup(registration->name);
    *next++ = strdup(registration->summary);
    // An empty synopsis is spelled as a blank.
    *next++ = strdup(*registration->synopsis ? registration->synopsis : " ");
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
        *next++ = strdup(line);
    for (char **line = help; line < next; line++) {
        if (!*line) {
            help_free(help);
            return NULL;
        }
    }
    return help;
}

static void table_end(void)
{
    // Nameless, since crash's list of extensions shows hidden commands too.
    registry.entries[registry.count] = (struct command_table_entry){
        .name = "", .func = on_cleanup, .flags = HIDDEN_COMMAND | CLEANUP};
    registry.entries[registry.count + 1] = (struct command_table_entry){0};
}

bool registry_begin(const char *file, registry_handler handler, struct error *err)
{
    // Near the end of struct program_context: if it is where the header says, so is the rest.
    if (!pc->curext || !pc->curext->filename || strcmp(pc->curext->filename, file) != 0)
        return error_set(err, ERR_HOST,
                         "built for crash %s, this is %s and has another layout: build it here",
                         CRASH_HEADER_VERSION, build_version);
    if (strcmp(pc->machine_type, "X86_64") != 0)
        return error_set(err, ERR_HOST, "dumps of %s are not supported, x86-64 ones are",
                         pc->machine_type);
    if (pc->flags & MINIMAL_MODE)
        return error_set(err, ERR_HOST, "crash runs in minimal mode: there are no types to read");
    if (REMOTE())
        return error_set(err, ERR_HOST, "remote dumps are not supported");
    host_trap_init();
    registry.extension = pc->curext;
    registry.handler = handler;
    // The cleanup entry and the end take a place each.
    registry.entries = calloc(MAX_COMMANDS + 2, sizeof(*registry.entries));
    if (!registry.entries)
        return error_set_no_memory(err);
    table_end();
    return true;
}

struct command_lookup {
    char *name;
    bool found;
};

static void command_look_up(void *argument)
{
    struct command_lookup *lookup = argument;
    lookup->found = get_command_table_entry(lookup->name) != NULL;
}

static void alias_remove(void *name)
{
    if (is_alias(name))
        deallocate_alias(name);
}

static void help_renew(void *unused)
{
    (void)unused;
    help_init();
}

bool host_command_register(const struct host_registration *registration, struct error *err)
{
    struct command_lookup lookup = {.name = (char *)registration->name};
    for (size_t i = 0; i < registry.count; i++) {
        if (!strcmp(registry.entries[i].name, registration->name))
            return error_set(err, ERR_VALUE, "command %s is registered already",
                             registration->name);
    }
    if (!host_trap(command_look_up, &lookup, TRAP_PLAIN, err))
        return false;
    if (lookup.found)
        return error_set(err, ERR_VALUE, "crash already has a command %s", registration->name);
    if (registry.count == MAX_COMMANDS)
        return error_set(err, ERR_VALUE, "%d commands are registered, there is no place for more",
                         MAX_COMMANDS);
    char **help = help_new(registration);
    if (!help)
        return error_set_no_memory(err);
    if (!host_trap(alias_remove, lookup.name, TRAP_PLAIN, err)) {
        help_free(help);
        return false;
    }
    registry.entries[registry.count++] =
        (struct command_table_entry){.name = help[0], .func = on_command, .help_data = help};
    table_end();
    if (!registry.committed || host_trap(help_renew, NULL, TRAP_PLAIN, err))
        return true;
    // Its text stays: crash may have taken the name into its list.
    registry.count--;
    table_end();
    return false;
}

const char *host_command_name(size_t index)
{
    return index < registry.count ? registry.entries[index].name : NULL;
}

void registry_commit(void)
{
    register_extension(registry.entries);
    registry.committed = true;
}

void registry_end(bool in_use)
{
    for (size_t i = 0; !in_use && i < registry.count; i++)
        help_free(registry.entries[i].help_data);
    if (!in_use)
        free(registry.entries);
    memset(&registry, 0, sizeof(registry));
}
