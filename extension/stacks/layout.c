// SPDX-License-Identifier: GPL-3.0-or-later
#include "stacks/layout.h"

#include <string.h>

#include "host/host.h"
#include "types/path.h"
#include "types/types.h"

enum { USUAL_STACK_PAGES = 4, MAX_STACK_PAGES = 64 };

static struct stack_layout layout;
static bool known;

static bool regs_find(struct stack_layout *found, struct error *err)
{
    struct path_field fields[] = {{.name = "ip"}, {.name = "sp"},  {.name = "bp"},  {.name = "dx"},
                                  {.name = "di"}, {.name = "r10"}, {.name = "r13"}, {.name = "cs"}};
    const struct type *type = types_find("struct pt_regs", err);
    if (!type || !path_fields("struct pt_regs", fields, sizeof(fields) / sizeof(*fields), err))
        return false;
    for (int i = 0; i < STACK_REGISTERS; i++)
        found->regs[i] = fields[i].offset;
    found->regs_cs = fields[STACK_REGISTERS].offset;
    found->regs_size = type->size;
    return true;
}

static uint64_t stack_size(void)
{
    struct error err;
    // its other member is the stack of the first task, THREAD_SIZE long
    const struct type *type = types_find("union thread_union", &err);
    uint64_t size = type ? type->size : 0;
    if (size < HOST_PAGE_SIZE || size > (uint64_t)MAX_STACK_PAGES * HOST_PAGE_SIZE ||
        size & (size - 1))
        return (uint64_t)USUAL_STACK_PAGES * HOST_PAGE_SIZE;
    return size;
}

const struct stack_layout *stack_layout_get(struct error *err)
{
    struct path_field task[] = {{.name = "thread.sp"}, {.name = "stack"}};
    struct path_field frame[] = {{.name = "bp"}, {.name = "ret_addr"}};
    if (known)
        return &layout;
    struct stack_layout found = {0};
    if (!path_fields("struct task_struct", task, 2, err) ||
        !path_fields("struct inactive_task_frame", frame, 2, err) || !regs_find(&found, err))
        return NULL;
    found.task_sp = task[0].offset;
    found.task_stack = task[1].offset;
    found.frame_bp = frame[0].offset;
    found.frame_ip = frame[1].offset;
    // the return address is the last of it
    found.frame_size = frame[1].offset + sizeof(uint64_t);
    found.stack_size = stack_size();
    if (host_interrupted()) {
        error_set(err, ERR_INTERRUPTED, "interrupted");
        return NULL;
    }
    layout = found;
    known = true;
    return &layout;
}

void stack_layout_forget(void)
{
    known = false;
}
