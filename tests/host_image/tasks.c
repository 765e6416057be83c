// SPDX-License-Identifier: GPL-3.0-or-later
// The image's task table, and the task whose user memory is read.
#include <inttypes.h>

#include "host_image/image.h"

static struct image_task tasks[IMAGE_MAX];
static size_t task_count;
static uint64_t selected;

static const struct image_task *task_find(uint64_t address)
{
    for (size_t i = 0; i < task_count; i++) {
        if (tasks[i].address == address)
            return &tasks[i];
    }
    return NULL;
}

static bool unknown(uint64_t address, struct error *err)
{
    return error_set_at(err, ERR_VALUE, address, "bad taskaddr 0x%" PRIx64, address);
}

bool image_task_add(const struct image_task *task, struct error *err)
{
    if (task_count == IMAGE_MAX)
        return error_set(err, ERR_VALUE, "more than %d tasks", IMAGE_MAX);
    tasks[task_count++] = *task;
    return true;
}

uint64_t image_task_selected(void)
{
    return selected;
}

uint64_t host_task_of_pid(uint64_t pid)
{
    for (size_t i = 0; i < task_count; i++) {
        if (tasks[i].pid == pid)
            return tasks[i].address;
    }
    return 0;
}

bool host_pid_of_task(uint64_t task, uint64_t *pid)
{
    const struct image_task *found = task_find(task);
    if (found)
        *pid = found->pid;
    return found;
}

bool host_task_active(uint64_t task)
{
    const struct image_task *found = task_find(task);
    return found && found->active;
}

bool host_task_select(uint64_t task, struct error *err)
{
    if (task && !task_find(task))
        return unknown(task, err);
    selected = task;
    return true;
}

bool host_task_memory(uint64_t task, struct host_task_memory *memory, struct error *err)
{
    const struct image_task *found = task_find(task);
    if (!found)
        return unknown(task, err);
    *memory = found->memory;
    return true;
}

// Nothing here reads a kernel's own table, so nothing can be missing from it.
void host_tasks_repair(char *note, size_t size)
{
    if (size)
        note[0] = '\0';
}

void image_tasks_reset(void)
{
    task_count = 0;
    selected = 0;
}
