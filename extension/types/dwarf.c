// SPDX-License-Identifier: GPL-3.0-or-later
// Types and variables from DWARF, through libdw, found by an index of our own.
//
// Each unit of a kernel's DWARF describes the structs it uses anew. A named definition is taken
// from where the index found it first, so that a type is one pointer however it is reached.
#include "types/dwarf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/dwarf_scan.h"
#include "types/index_file.h"

enum {
    MAX_NESTING = 32,   // of arrays and typedefs
    MAX_DIMENSIONS = 8, // of one array
};

static struct dwarf_provider *provider_of(struct type_provider *base)
{
    return (struct dwarf_provider *)base;
}

bool dwarf_entry_die(struct dwarf_provider *provider, uint32_t entry, Dwarf_Die *die)
{
    enum index_kind kind = provider->index.entries[entry].kind;
    if (!provider->file.dwarf && !dwarf_file_open(&provider->file, provider->path, NULL))
        return false;
    if (!libdw->dwarf_offdie(provider->file.dwarf, provider->index.entries[entry].offset, die))
        return false;
    const char *name = die_name(die);
    if (kind == INDEX_DECLARATION)
        kind = INDEX_VARIABLE;
    return dwarf_scan_kind(libdw->dwarf_tag(die)) == kind && name &&
           !strcmp(name, dwarf_index_name(&provider->index, entry));
}

// ---- one definition for its repetitions ---------------------------------------------------------

// Whether two typedefs of one name and line mean the same, as far as is cheap to see.
static bool same_target(Dwarf_Die *one, Dwarf_Die *other)
{
    Dwarf_Die a;
    Dwarf_Die b;
    bool has_a = die_type(one, &a);
    bool has_b = die_type(other, &b);
    if (!has_a || !has_b)
        return has_a == has_b;
    int tag = libdw->dwarf_tag(&a);
    const char *name_a = die_name(&a);
    const char *name_b = die_name(&b);
    if (tag != libdw->dwarf_tag(&b) || !name_a != !name_b || (name_a && strcmp(name_a, name_b)))
        return false;
    bool anonymous = !name_a && (tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
                                 tag == DW_TAG_enumeration_type);
    return !anonymous || die_same_shape(&a, &b);
}

static bool same_definition(enum index_kind kind, Dwarf_Die *one, Dwarf_Die *other)
{
    if (kind == INDEX_BASE)
        return die_number(one, DW_AT_encoding, 0) == die_number(other, DW_AT_encoding, 0);
    return kind == INDEX_TYPEDEF ? same_target(one, other) : die_same_shape(one, other);
}

// The DIE that stands for this one: the first with the same definition; for a mere declaration
// the first definition of that name; else itself.
static Dwarf_Die home_of(struct dwarf_provider *provider, Dwarf_Die *die)
{
    const struct dwarf_index *index = &provider->index;
    enum index_kind kind = dwarf_scan_kind(libdw->dwarf_tag(die));
    const char *name = kind < INDEX_VARIABLE ? die_name(die) : NULL;
    if (!name)
        return *die;
    bool declaration = die_flag(die, DW_AT_declaration);
    uint64_t size = die_number(die, DW_AT_byte_size, 0);
    uint64_t line = kind == INDEX_BASE ? 0 : die_number(die, DW_AT_decl_line, 0);
    for (uint32_t i = dwarf_index_find(index, kind, name); i; i = dwarf_index_next(index, i)) {
        Dwarf_Die home;
        if (!declaration && (index->entries[i].size != size || index->entries[i].line != line))
            continue;
        if (dwarf_entry_die(provider, i, &home) &&
            (declaration || home.addr == die->addr || same_definition(kind, die, &home)))
            return home;
    }
    return *die;
}

// ---- making types -------------------------------------------------------------------------------

static struct dwarf_type *type_new(struct dwarf_provider *provider, Dwarf_Die *die)
{
    struct dwarf_type *made = calloc(1, sizeof(*made));
    if (!made)
        return NULL;
    made->type.provider = &provider->base;
    made->die = *die;
    return made;
}

static void type_keep(struct dwarf_provider *provider, struct dwarf_type *made)
{
    made->next = provider->made;
    provider->made = made;
}

// What no C compiler says is taken as unknown.
static uint64_t size_of(Dwarf_Die *die, uint64_t missing)
{
    uint64_t size = die_number(die, DW_AT_byte_size, missing);
    return size > UINT32_MAX ? 0 : size;
}

static void fill_base(struct type *type, Dwarf_Die *die)
{
    uint64_t encoding = die_number(die, DW_AT_encoding, 0);
    type->complete = true;
    type->size = size_of(die, 0);
    switch (encoding) {
    case DW_ATE_boolean:
        type->kind = TYPE_BOOL;
        break;
    case DW_ATE_float:
    case DW_ATE_complex_float:
    case DW_ATE_imaginary_float:
        type->kind = TYPE_FLOAT;
        break;
    case DW_ATE_signed:
    case DW_ATE_signed_char:
    case DW_ATE_unsigned:
    case DW_ATE_unsigned_char:
    case DW_ATE_address:
    case DW_ATE_UTF:
        type->kind = TYPE_INT;
        type->is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
        break;
    default:
        type->kind = TYPE_VOID;
        type->size = 0;
        break;
    }
}

static uint64_t dimension_of(Dwarf_Die *range)
{
    // Without either it is a flexible array. An upper bound of -1 is the length 0, in any width.
    uint64_t length = die_number(range, DW_AT_count, 0);
    if (!length)
        length = die_number(range, DW_AT_upper_bound, UINT64_MAX) + 1;
    return length > UINT32_MAX ? 0 : length;
}

static void fill_array(struct type *type, uint64_t length, const struct type *element)
{
    type->kind = TYPE_ARRAY;
    type->length = length;
    type->target = element;
    type->complete = true;
    if (__builtin_mul_overflow(length, element->size, &type->size))
        type->size = 0;
}

// DWARF has all dimensions in one DIE; the model has arrays of arrays.
static void fill_dimensions(struct dwarf_provider *provider, struct type *type, Dwarf_Die *die,
                            int nesting)
{
    uint64_t lengths[MAX_DIMENSIONS] = {0};
    int dimensions = 0;
    Dwarf_Die child;
    for (bool more = die_child(die, &child); more && dimensions < MAX_DIMENSIONS;
         more = die_sibling(&child, &child)) {
        if (libdw->dwarf_tag(&child) == DW_TAG_subrange_type)
            lengths[dimensions++] = dimension_of(&child);
    }
    const struct type *element = dwarf_type_behind(provider, die, nesting + 1);
    while (dimensions > 1) {
        struct dwarf_type *inner = type_new(provider, die);
        if (!inner)
            break;
        fill_array(&inner->type, lengths[--dimensions], element);
        type_keep(provider, inner);
        element = &inner->type;
    }
    fill_array(type, lengths[0], element);
}

static void fill(struct dwarf_provider *provider, struct type *type, Dwarf_Die *die, int nesting)
{
    bool declaration = die_flag(die, DW_AT_declaration);
    int tag = libdw->dwarf_tag(die);
    type->name = die_name(die);
    switch (tag) {
    case DW_TAG_base_type:
        fill_base(type, die);
        break;
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
        type->kind = TYPE_POINTER;
        type->size = size_of(die, sizeof(uint64_t));
        type->complete = true;
        break;
    case DW_TAG_array_type:
        fill_dimensions(provider, type, die, nesting);
        break;
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
        type->kind = tag == DW_TAG_union_type ? TYPE_UNION : TYPE_STRUCT;
        type->size = declaration ? 0 : size_of(die, 0);
        type->complete = declaration;
        break;
    case DW_TAG_enumeration_type:
        type->kind = TYPE_ENUM;
        type->size = size_of(die, sizeof(uint32_t));
        type->is_signed = dwarf_enum_is_signed(die);
        break;
    case DW_TAG_typedef:
        type->kind = TYPE_TYPEDEF;
        type->target = dwarf_type_behind(provider, die, nesting + 1);
        type->size = type->target->size;
        type->complete = true;
        break;
    case DW_TAG_subroutine_type:
    case DW_TAG_subprogram:
        type->kind = TYPE_FUNCTION;
        break;
    default:
        type->kind = TYPE_VOID;
        type->complete = true;
        break;
    }
}

static const struct type *make(struct dwarf_provider *provider, Dwarf_Die *die, int nesting)
{
    struct dwarf_type *made = type_new(provider, die);
    if (!made)
        return &type_void;
    fill(provider, &made->type, die, nesting);
    // A type that contains itself (no valid one does) was made further down already.
    const struct type *inner = map_get(&provider->types, (uintptr_t)die->addr);
    if (inner || !map_put(&provider->types, (uintptr_t)die->addr, &made->type)) {
        free(made);
        return inner ? inner : &type_void;
    }
    type_keep(provider, made);
    return &made->type;
}

const struct type *dwarf_type_of(struct dwarf_provider *provider, Dwarf_Die *die, int nesting)
{
    const struct type *type = map_get(&provider->types, (uintptr_t)die->addr);
    if (type)
        return type;
    if (nesting > MAX_NESTING)
        return &type_void;
    Dwarf_Die home = home_of(provider, die);
    type = map_get(&provider->types, (uintptr_t)home.addr);
    if (!type && provider->kernel)
        type = dwarf_kernel_type(provider, &home);
    if (!type)
        type = make(provider, &home, nesting);
    // Only a short cut for the next time.
    if (!map_get(&provider->types, (uintptr_t)die->addr))
        map_put(&provider->types, (uintptr_t)die->addr, (void *)type);
    return type;
}

const struct type *dwarf_type_behind(struct dwarf_provider *provider, Dwarf_Die *die, int nesting)
{
    Dwarf_Die type;
    return die_type(die, &type) ? dwarf_type_of(provider, &type, nesting) : &type_void;
}

// ---- the provider -------------------------------------------------------------------------------

static const struct type *target(struct type_provider *base, const struct type *type)
{
    Dwarf_Die die = ((const struct dwarf_type *)type)->die;
    return dwarf_type_behind(provider_of(base), &die, 0);
}

static const struct type *find_kind(struct dwarf_provider *provider, enum index_kind kind,
                                    const char *name)
{
    const struct dwarf_index *index = &provider->index;
    for (uint32_t i = dwarf_index_find(index, kind, name); i; i = dwarf_index_next(index, i)) {
        Dwarf_Die die;
        if (dwarf_entry_die(provider, i, &die))
            return dwarf_type_of(provider, &die, 0);
    }
    return NULL;
}

static bool in_space(enum index_kind kind, enum type_space space)
{
    switch (space) {
    case TYPE_SPACE_STRUCT:
        return kind == INDEX_STRUCT;
    case TYPE_SPACE_UNION:
        return kind == INDEX_UNION;
    case TYPE_SPACE_ENUM:
        return kind == INDEX_ENUM;
    case TYPE_SPACE_ORDINARY:
        return kind == INDEX_TYPEDEF || kind == INDEX_BASE;
    }
    return false;
}

static const struct type *find(struct type_provider *base, enum type_space space, const char *name)
{
    const struct type *type = NULL;
    for (int kind = 0; kind < INDEX_VARIABLE && !type; kind++) {
        if (in_space((enum index_kind)kind, space))
            type = find_kind(provider_of(base), (enum index_kind)kind, name);
    }
    return type;
}

static const struct type *next(struct type_provider *base, enum type_space space, size_t *cursor)
{
    struct dwarf_provider *provider = provider_of(base);
    while (++*cursor < provider->index.header->entry_count) {
        Dwarf_Die die;
        uint32_t entry = (uint32_t)*cursor;
        if (in_space(provider->index.entries[entry].kind, space) &&
            dwarf_entry_die(provider, entry, &die))
            return dwarf_type_of(provider, &die, 0);
    }
    return NULL;
}

// The first one that says a type; of an array without dimension another may say more.
static const struct type *variable_of_kind(struct dwarf_provider *provider, enum index_kind kind,
                                           const char *name)
{
    const struct dwarf_index *index = &provider->index;
    const struct type *best = NULL;
    for (uint32_t i = dwarf_index_find(index, kind, name); i; i = dwarf_index_next(index, i)) {
        Dwarf_Die die;
        if (!dwarf_entry_die(provider, i, &die))
            continue;
        const struct type *type = dwarf_type_behind(provider, &die, 0);
        if (type->kind != TYPE_VOID && (!best || !best->size))
            best = type;
        if (best && best->size)
            break;
    }
    return best;
}

static const struct type *find_variable(struct type_provider *base, const char *name)
{
    const struct type *type = variable_of_kind(provider_of(base), INDEX_VARIABLE, name);
    return type ? type : variable_of_kind(provider_of(base), INDEX_DECLARATION, name);
}

static void provider_free(struct type_provider *base)
{
    struct dwarf_provider *provider = provider_of(base);
    while (provider->made) {
        struct dwarf_type *made = provider->made;
        provider->made = made->next;
        free((void *)made->type.members);
        free((void *)made->type.enumerators);
        free((void *)made->type.parameters);
        free(made);
    }
    map_clear(&provider->types);
    dwarf_index_free(&provider->index);
    dwarf_file_close(&provider->file);
    free(provider->path);
    free(provider);
}

// The index kept on disk, else a new one, which is kept if possible.
static bool load_index(struct dwarf_provider *provider, const struct dwarf_identity *identity,
                       struct error *err)
{
    struct error reason = {0};
    // A file whose index is known is opened when something in it is needed.
    if (identity && index_file_load(&provider->index, identity, &reason))
        return true;
    if (!dwarf_file_open(&provider->file, provider->path, err))
        return false;
    identity = &provider->file.identity;
    if (index_file_load(&provider->index, identity, &reason))
        return true;
    if (!dwarf_scan(&provider->file, provider->path, &provider->index, err))
        return false;
    index_file_store(&provider->index, identity, &reason);
    return true;
}

static struct type_provider *provider_new(const char *path, const struct dwarf_identity *identity,
                                          struct type_provider *kernel, struct error *err)
{
    struct dwarf_provider *provider = calloc(1, sizeof(*provider));
    if (provider)
        provider->path = strdup(path);
    if (!provider || !provider->path) {
        free(provider);
        error_set_no_memory(err);
        return NULL;
    }
    provider->kernel = kernel;
    provider->base = (struct type_provider){
        .name = "dwarf",
        .origin = kernel ? "DWARF of a module" : "DWARF of the namelist",
        .find = find,
        .find_variable = find_variable,
        .next = next,
        .target = target,
        .complete = dwarf_type_complete,
        .free = provider_free,
    };
    if (!load_index(provider, identity, err)) {
        provider_free(&provider->base);
        return NULL;
    }
    return &provider->base;
}

struct type_provider *dwarf_provider_new(const char *namelist, struct error *err)
{
    if (!namelist) {
        error_set(err, ERR_TYPE, "there is no namelist to read DWARF from");
        return NULL;
    }
    return provider_new(namelist, NULL, NULL, err);
}

struct type_provider *dwarf_module_new(const char *path, const struct dwarf_identity *identity,
                                       struct type_provider *kernel, struct error *err)
{
    return provider_new(path, identity, kernel, err);
}
