// SPDX-License-Identifier: GPL-3.0-or-later
// Our table of commands inside crash, for epython/, which owns its life.
#ifndef MPYKDUMP_HOST_REGISTRY_H
#define MPYKDUMP_HOST_REGISTRY_H

#include <stdbool.h>

#include "base/error.h"
#include "host/host.h"

// Called when a registered command is typed, with its words, which live until it returns.
typedef void (*registry_handler)(int argc, char **argv);

// While crash loads `file`: an empty table. Then host_command_register, then registry_commit,
// which hands the table to crash. False when this crash is none that we can work in.
bool registry_begin(const char *file, registry_handler handler, struct error *err);
void registry_commit(void);

// When the file is unloaded: crash forgets the commands. While one of them is in use, crash still
// holds parts of what it had: that stays.
void registry_end(bool in_use);

#endif
