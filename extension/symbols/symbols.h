// SPDX-License-Identifier: GPL-3.0-or-later
// Symbols by name and by address, from an own index: a miss costs as little as a hit, which is not
// so in crash. Where the host cannot enumerate its symbols, and on live systems, it is asked.
//
// Who watches the messages (base/message.h) may raise: then a Python exception is set, whatever is
// returned.
#ifndef MPYKDUMP_SYMBOLS_SYMBOLS_H
#define MPYKDUMP_SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/array.h"
#include "host/host.h"

// The first symbol of a name.
bool symbols_find(const char *name, struct host_symbol *symbol);

// The addresses of all symbols of a name, each once. False when memory is exhausted.
bool symbols_find_all(const char *name, struct array *addresses);

// The symbol at or below an address, and the distance.
bool symbols_at(uint64_t address, struct host_symbol *symbol, uint64_t *offset);

// Calls `visit` for each symbol, of modules too, in the host's order, until it returns false. False
// when they cannot be enumerated.
bool symbols_each(host_symbol_visitor visit, void *context);

// Before each command: notices that the host's symbols have changed.
void symbols_refresh(void);

void symbols_reset(void);

#endif
