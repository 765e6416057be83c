// SPDX-License-Identifier: GPL-3.0-or-later
// The list of a struct's members while a provider makes it.
#ifndef MPYKDUMP_TYPES_MEMBERS_H
#define MPYKDUMP_TYPES_MEMBERS_H

#include "types/type.h"

struct member_list {
    struct type_member *items;
    size_t count;
    size_t capacity;
    size_t visits; // of members, also of those that are not listed
};

// To be called for each member that is looked at. False with ERR_TYPE when there are more than any
// real struct has: anonymous structs within each other can stand for endlessly many.
bool member_list_visit(struct member_list *list, struct error *err);

bool member_list_append(struct member_list *list, const struct type_member *member,
                        struct error *err);

// Hands the items over to the type, which is complete then.
void member_list_finish(struct member_list *list, struct type *type);

#endif
