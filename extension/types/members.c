// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/members.h"

#include <stdlib.h>

enum { MAX_VISITS = 1 << 16 };

bool member_list_visit(struct member_list *list, struct error *err)
{
    if (++list->visits > MAX_VISITS)
        return error_set(err, ERR_TYPE, "a struct of more than %d members", MAX_VISITS);
    return true;
}

bool member_list_append(struct member_list *list, const struct type_member *member,
                        struct error *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        struct type_member *items = reallocarray(list->items, capacity, sizeof(*items));
        if (!items)
            return error_set_no_memory(err);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *member;
    return true;
}

void member_list_finish(struct member_list *list, struct type *type)
{
    type->members = list->items;
    type->count = list->count;
    type->complete = true;
    *list = (struct member_list){0};
}
