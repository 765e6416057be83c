// SPDX-License-Identifier: GPL-3.0-or-later
// User memory of any task, page by page through its page tables. Translations are remembered, since
// they cost more than the read.
#ifndef MPYKDUMP_MEMORY_USER_H
#define MPYKDUMP_MEMORY_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// Reads user memory of the task (the address of its task_struct). ERR_FAULT for pages that were not
// in memory (swapped out, never touched) or are not in the dump.
bool user_read(uint64_t task, uint64_t address, void *buffer, size_t size, struct error *err);

// The physical address behind a user address of the task.
bool user_translate(uint64_t task, uint64_t address, uint64_t *physical, struct error *err);

// Forgets the translations.
void user_forget(void);

#endif
