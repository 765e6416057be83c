// SPDX-License-Identifier: GPL-3.0-or-later
// The plug-in's life: what happens when crash loads and unloads it.
#include "epython/core.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "build.h"
#include "epython/interpreter.h"
#include "epython/session.h"
#include "epython/stacks.h"
#include "host/host.h"
#include "host/registry.h"
#include "types/types.h"

static bool loaded;

static const struct host_registration epython_command = {
    .name = "epython",
    .summary = "run a Python program on this dump",
    .synopsis = "[-h] [-v] [-p] [-d N] [--ehelp] program [arguments]",
    .help = "  Runs a program found in the current directory, in the directories of\n"
            "  PYKDUMPPATH, or in the plug-in itself; its .py may be left out.\n"
            "\n"
            "    epython -h        options of epython\n"
            "    epython --ehelp   options that all programs have in common\n"
            "    epython -p        where programs and modules are searched\n"
            "    epython -v        versions",
};

static bool start(const char *file, struct error *err)
{
    char note[256];
    // The archive is read for as long as the session lasts, wherever crash has gone by then.
    char *path AUTO_FREE = realpath(file, NULL);
    if (!path)
        return error_set(err, ERR_HOST, "%s: %s", file, strerror(errno));
    if (!types_choose(getenv("PYKDUMP_TYPES"), err))
        return false;
    if (!registry_begin(file, session_run, err) || !interpreter_start(err) ||
        !host_command_register(&epython_command, err) || !session_start(path, err))
        return false;
    // Without it everything else works.
    if (!stacks_start(err))
        fprintf(stderr, "mpykdump: %s\n", err->message);
    host_tasks_repair(note, sizeof(note));
    if (*note)
        printf("mpykdump: %s\n", note);
    return true;
}

// Ctrl-C is crash's while it loads and unloads the file, and would jump over Python: it waits.
static void sigint_block(sigset_t *before)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    pthread_sigmask(SIG_BLOCK, &mask, before);
}

static bool load(const char *file)
{
    struct error err;
    sigset_t before;
    if (loaded) {
        fprintf(stderr, "mpykdump: it is loaded already, as another file\n");
        return false;
    }
    sigint_block(&before);
    loaded = start(file, &err);
    if (loaded) {
        registry_commit();
    } else {
        fprintf(stderr, "mpykdump: %s\n", err.message);
        registry_end(false);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return loaded;
}

static void unload(void)
{
    sigset_t before;
    if (!loaded)
        return;
    sigint_block(&before);
    stacks_stop();
    session_stop();
    registry_end(session_is_running());
    loaded = false;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

__attribute__((visibility("default"))) extern const struct core mpykdump_core_2;
const struct core mpykdump_core_2 = {.build = MPYKDUMP_BUILD, .load = load, .unload = unload};
