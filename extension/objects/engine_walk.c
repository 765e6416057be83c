// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of module `_pykdump`: walks over the kernel's data structures.
//
// Each takes where the structure is, what its elements are (a struct, and the member by which they
// are linked), a limit, and whether a column is wanted rather than a list. Each returns what it
// found and the report as a tuple. Walks of what has indices are in engine_indexed.c.
#include "objects/engine_module.h"

#include <string.h>

#include "base/length.h"
#include "objects/arguments.h"
#include "objects/elements.h"
#include "objects/raise.h"
#include "objects/text.h"
#include "objects/walk_arguments.h"
#include "types/path.h"
#include "walkers/hlist.h"
#include "walkers/list.h"
#include "walkers/plist.h"
#include "walkers/rbtree.h"

// ---- walks from one address to a row of nodes ---------------------------------------------

typedef enum walk_end (*collect_function)(uint64_t at, uint64_t limit, struct array *nodes,
                                          struct walk_report *report);

static PyObject *walk_simple(PyObject *args, PyObject *kwargs, const char *format,
                             collect_function collect)
{
    struct walk_arguments parsed;
    struct array nodes = {0};
    struct walk_report report = {0};
    if (!walk_arguments_parse(args, kwargs, format, true, &parsed))
        return NULL;
    collect(parsed.at, parsed.limit, &nodes, &report);
    return elements_result(&parsed.elements, &nodes, &report);
}

static enum walk_end collect_list(uint64_t at, uint64_t limit, struct array *nodes,
                                  struct walk_report *report)
{
    struct path_field next = {.name = "next"};
    if (!path_fields("struct list_head", &next, 1, &report->error))
        return walk_fail(report, at);
    struct list_walk walk = {.head = at, .offset = next.offset, .limit = limit, .circular = true};
    return list_collect(&walk, nodes, report);
}

static enum walk_end collect_chain(enum hlist_kind kind, uint64_t at, uint64_t limit,
                                   struct array *nodes, struct walk_report *report)
{
    struct hlist_walk walk = {.kind = kind, .head = at, .heads = 1, .limit = limit};
    return hlist_collect(&walk, nodes, report);
}

#define CHAIN(function, kind)                                                                      \
    static enum walk_end function(uint64_t at, uint64_t limit, struct array *nodes,                \
                                  struct walk_report *report)                                      \
    {                                                                                              \
        return collect_chain(kind, at, limit, nodes, report);                                      \
    }

CHAIN(collect_hlist, HLIST_PLAIN)
CHAIN(collect_hlist_nulls, HLIST_NULLS)
CHAIN(collect_hlist_bl, HLIST_BL)
CHAIN(collect_llist, HLIST_LLIST)

#define SIMPLE(function, collect)                                                                  \
    static PyObject *function(PyObject *module, PyObject *args, PyObject *kwargs)                  \
    {                                                                                              \
        return walk_simple(args, kwargs, "O&|OO$Kp:" #function, collect);                          \
    }

SIMPLE(walk_list, collect_list)
SIMPLE(walk_hlist, collect_hlist)
SIMPLE(walk_hlist_nulls, collect_hlist_nulls)
SIMPLE(walk_hlist_bl, collect_hlist_bl)
SIMPLE(walk_llist, collect_llist)
SIMPLE(walk_plist, plist_collect)
SIMPLE(walk_rbtree, rbtree_collect)

// walk_hash(table, heads, struct=None, member=None, kind="hlist", limit=..., as_column=False)
static PyObject *walk_hash(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "struct", "member", "kind", "limit", "as_column", NULL};
    static const char *const kinds[] = {[HLIST_PLAIN] = "hlist",
                                        [HLIST_NULLS] = "hlist_nulls",
                                        [HLIST_BL] = "hlist_bl",
                                        [HLIST_LLIST] = "llist"};
    PyObject *name = Py_None;
    PyObject *member = Py_None;
    const char *kind = "hlist";
    unsigned long long heads;
    unsigned long long limit = ELEMENTS_DEFAULT_LIMIT;
    int as_column = 0;
    struct hlist_walk walk = {0};
    struct elements elements = {0};
    struct array nodes = {0};
    struct walk_report report = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&K|OO$sKp:walk_hash", names, argument_address,
                                     &walk.head, &heads, &name, &member, &kind, &limit,
                                     &as_column) ||
        !elements_init(&elements, name, member))
        return NULL;
    size_t i = 0;
    while (i < ARRAY_LENGTH(kinds) && strcmp(kinds[i], kind) != 0)
        i++;
    if (i == ARRAY_LENGTH(kinds))
        return PyErr_Format(PyExc_ValueError, "there is no kind of chain %s", kind);
    walk.kind = (enum hlist_kind)i;
    walk.heads = heads;
    walk.limit = limit;
    elements.as_column = as_column != 0;
    hlist_collect(&walk, &nodes, &report);
    return elements_result(&elements, &nodes, &report);
}

// list_nodes(head, offset, limit, struct=None, back=0, circular=False) -> (nodes, end, address,
// message)
static PyObject *list_nodes(PyObject *module, PyObject *args)
{
    struct list_walk walk = {0};
    unsigned long long limit;
    PyObject *name = Py_None;
    struct elements elements = {0};
    int circular = 0;
    if (!PyArg_ParseTuple(args, "O&O&K|OO&p:list_nodes", argument_address, &walk.head,
                          argument_address, &walk.offset, &limit, &name, argument_address,
                          &elements.back, &circular) ||
        !elements_init(&elements, name, Py_None))
        return NULL;
    walk.limit = limit;
    walk.circular = circular;
    struct array nodes = {0};
    struct walk_report report = {0};
    list_collect(&walk, &nodes, &report);
    PyObject *result = NULL;
    PyObject *found = report_raises(&report) ? NULL : elements_make(&elements, &nodes, "address");
    if (found)
        result = Py_BuildValue("(NsKN)", found, end_name(report.end), (unsigned long long)report.at,
                               text_new(report.error.message));
    array_clear(&nodes);
    return result;
}

#define ARGUMENTS ", struct=None, member=None, *, limit=..., as_column=False) -> (list, report):\n"

PyMethodDef engine_walk_functions[] = {
    {"list_nodes", list_nodes, METH_VARARGS,
     "list_nodes(head, offset, limit, struct=None, back=0, circular=False) ->\n"
     "(nodes, end, address, message):\n"
     "end is 'whole', 'limit', 'cycle' or 'error', at the address"},
    {"walk_list", WITH_KEYWORDS(walk_list), "walk_list(head" ARGUMENTS "a list_head"},
    {"walk_hlist", WITH_KEYWORDS(walk_hlist), "walk_hlist(head" ARGUMENTS "an hlist_head"},
    {"walk_hlist_nulls", WITH_KEYWORDS(walk_hlist_nulls),
     "walk_hlist_nulls(head" ARGUMENTS "an hlist_nulls_head"},
    {"walk_hlist_bl", WITH_KEYWORDS(walk_hlist_bl),
     "walk_hlist_bl(head" ARGUMENTS "an hlist_bl_head"},
    {"walk_llist", WITH_KEYWORDS(walk_llist), "walk_llist(head" ARGUMENTS "an llist_head"},
    {"walk_plist", WITH_KEYWORDS(walk_plist), "walk_plist(head" ARGUMENTS "a plist_head"},
    {"walk_rbtree", WITH_KEYWORDS(walk_rbtree), "walk_rbtree(root" ARGUMENTS "an rb_root"},
    {"walk_hash", WITH_KEYWORDS(walk_hash),
     "walk_hash(table, heads, struct=None, member=None, *, kind='hlist', limit=...,\n"
     "as_column=False) -> (list, report): all chains of a table"},
    {0},
};
