// SPDX-License-Identifier: GPL-3.0-or-later
// What DWARF tells of the code at an address: the function, the functions that were inlined there,
// their parameters and variables, and what the call there passes.
//
// Only what is written in the file: values are stacks/expression.h's business. Addresses are those
// of the file. Whatever the file says is bounded: the rest is left out, and `cut` set.
#ifndef MPYKDUMP_TYPES_DWARF_PLACE_H
#define MPYKDUMP_TYPES_DWARF_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "types/dwarf_file.h"

enum {
    PLACE_TYPE_SIZE = 96, // bytes of a type's spelling
    PLACE_NO_REGISTER = -1,
};

// Operations, which libdw keeps as long as the file is open.
struct dwarf_program {
    Dwarf_Attribute attribute;
    Dwarf_Op *ops;
    size_t count;
};

enum variable_state {
    VARIABLE_GONE,     // nothing tells where it is: it was optimised out
    VARIABLE_CONSTANT, // `constant` is its value
    VARIABLE_COMPUTED, // `program` tells where it is
};

struct dwarf_variable {
    const char *name; // NULL: it has none
    uint64_t order;   // that of its declaration
    char type[PLACE_TYPE_SIZE];
    uint64_t size; // bytes; 0: unknown
    bool is_scalar;
    bool is_signed;
    bool is_parameter;
    bool passed;         // a parameter that the function gets: its DIE tells where at the entry
    int register_number; // that it has at the entry, by DWARF's numbers; PLACE_NO_REGISTER
    enum variable_state state;
    uint64_t constant;
    struct dwarf_program program;
};

struct dwarf_scope {
    const char *name; // of the function; NULL: it has none
    const char *file; // of the line which is executed in it; NULL: unknown
    int line;
    bool is_inlined;
    size_t first; // of its variables, in those of the place, as they are declared
    size_t count;
};

// What a call passes in a register: its value by a program in terms of the caller.
struct dwarf_argument {
    int register_number;
    struct dwarf_program value;
};

struct dwarf_place {
    struct dwarf_scope *scopes; // the innermost first; the last is the function
    size_t scope_count;
    struct dwarf_variable *variables;
    size_t variable_count;
    uint64_t entry;                  // of the function
    struct dwarf_program frame_base; // of the function; `ops` NULL without
    bool has_call;                   // what the call passes is known
    const char *target;              // the function that it calls; NULL: through a pointer
    struct dwarf_argument *arguments;
    size_t argument_count;
    bool cut; // more is written than is taken
};

// What is known of the code at `pc`; `return_pc` is the address behind the call there, 0 if it is
// no call. NULL with ERR_NONE when nothing is, else with ERR_NO_MEMORY. The caller frees it, before
// the file is closed.
struct dwarf_place *dwarf_place_find(struct dwarf_file *file, uint64_t pc, uint64_t return_pc,
                                     struct error *err);
void dwarf_place_free(struct dwarf_place *place);

#endif
