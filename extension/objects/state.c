// SPDX-License-Identifier: GPL-3.0-or-later
#include "objects/state.h"

#include "host/host.h"

static struct objects_state *current;

// Each reference in the state, for those who visit and drop them all.
#define EACH_REFERENCE(X)                                                                          \
    X(error)                                                                                       \
    X(argument)                                                                                    \
    X(fault)                                                                                       \
    X(unmapped)                                                                                    \
    X(excluded)                                                                                    \
    X(absent)                                                                                      \
    X(chain)                                                                                       \
    X(struct_type)                                                                                 \
    X(pointer_type)                                                                                \
    X(enum_type)                                                                                   \
    X(string_type)                                                                                 \
    X(open_type)                                                                                   \
    X(array0_type)                                                                                 \
    X(array1_type)                                                                                 \
    X(column_type)                                                                                 \
    X(fault_type)                                                                                  \
    X(frame_type)                                                                                  \
    X(stack_type)                                                                                  \
    X(local_type)                                                                                  \
    X(scope_type)                                                                                  \
    X(dwarf_type)                                                                                  \
    X(struct_names)                                                                                \
    X(on_read)                                                                                     \
    X(trace)                                                                                       \
    X(var_info)                                                                                    \
    X(type_info)                                                                                   \
    X(struct_info)                                                                                 \
    X(enum_info)                                                                                   \
    X(no_member)                                                                                   \
    X(shadows)                                                                                     \
    X(dunder)

struct objects_state *objects_state(void)
{
    return current;
}

bool objects_state_adopt(struct objects_state *state)
{
    if (current)
        return false;
    current = state;
    return true;
}

int objects_state_traverse(struct objects_state *state, visitproc visit, void *arg)
{
#define VISIT(name) Py_VISIT(state->name);
    EACH_REFERENCE(VISIT)
#undef VISIT
    return 0;
}

void objects_state_clear(struct objects_state *state)
{
    if (current == state)
        current = NULL;
#define CLEAR(name) Py_CLEAR(state->name);
    EACH_REFERENCE(CLEAR)
#undef CLEAR
}

void objects_command_done(void)
{
    if (current)
        current->default_space = HOST_KERNEL;
}
