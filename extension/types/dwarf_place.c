// SPDX-License-Identifier: GPL-3.0-or-later
#include "types/dwarf_place.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "types/dwarf_die.h"
#include "types/dwarf_spelling.h"

enum {
    MAX_SCOPES = 64,          // functions inlined into each other at one place
    MAX_DEPTH = 256,          // entries within entries on the way to it
    MAX_VARIABLES = 512,      // of one place
    MAX_ARGUMENTS = 32,       // of one call
    MAX_STEPS = 1 << 20,      // entries, ranges, locations and operations of one place
    MAX_LOCATIONS = 1 << 12,  // of one list
    MAX_OPERATIONS = 1 << 12, // of one program
    REGISTERS = DW_OP_reg31 - DW_OP_reg0 + 1,
};

// The search for one place.
struct search {
    struct dwarf_file *file;
    struct dwarf_place *place;
    Dwarf_Die unit;
    uint64_t pc;
    uint64_t return_pc;
    size_t steps;
    struct error *err;
};

// Whether there may be so many more.
static bool go_on(struct search *search, size_t steps)
{
    search->steps += steps;
    if (steps > MAX_STEPS || search->steps > MAX_STEPS)
        search->place->cut = true;
    return !search->place->cut;
}

// ---- programs -----------------------------------------------------------------------------------

// The program that holds at an address. False if there is none.
static bool program_at(struct search *search, Dwarf_Attribute *attribute, uint64_t pc,
                       struct dwarf_program *program)
{
    Dwarf_Addr base;
    Dwarf_Addr start;
    Dwarf_Addr end;
    ptrdiff_t at = 0;
    for (int i = 0; i < MAX_LOCATIONS; i++) {
        at = libdw->dwarf_getlocations(attribute, at, &base, &start, &end, &program->ops,
                                       &program->count);
        if (at <= 0 || !go_on(search, 1 + program->count))
            return false;
        if (start <= pc && pc < end) {
            program->attribute = *attribute;
            return program->count && program->count <= MAX_OPERATIONS;
        }
    }
    return false;
}

// The register that a program of one operation stands for; PLACE_NO_REGISTER for others.
static int register_of(const struct dwarf_program *program)
{
    if (program->count != 1)
        return PLACE_NO_REGISTER;
    unsigned number = program->ops->atom == DW_OP_regx ? (unsigned)program->ops->number
                                                       : (unsigned)program->ops->atom - DW_OP_reg0;
    return number < REGISTERS ? (int)number : PLACE_NO_REGISTER;
}

// ---- variables ----------------------------------------------------------------------------------

static struct dwarf_variable *variable_add(struct dwarf_place *place)
{
    size_t count = place->variable_count;
    if (count >= MAX_VARIABLES) {
        place->cut = true;
        return NULL;
    }
    if (!(count & (count - 1))) {
        size_t wanted = count ? 2 * count : 1;
        void *grown = reallocarray(place->variables, wanted, sizeof(*place->variables));
        if (!grown) {
            place->cut = true;
            return NULL;
        }
        place->variables = grown;
    }
    struct dwarf_variable *variable = &place->variables[place->variable_count++];
    *variable = (struct dwarf_variable){.register_number = PLACE_NO_REGISTER};
    return variable;
}

static void take_variable(struct search *search, Dwarf_Die *die, struct dwarf_scope *scope)
{
    struct dwarf_spelling spelling;
    struct dwarf_program program;
    Dwarf_Attribute attribute;
    struct dwarf_variable *variable = variable_add(search->place);
    if (!variable)
        return;
    scope->count++;
    Dwarf_Die origin;
    variable->name = die_name(die);
    variable->order =
        libdw->dwarf_dieoffset(die_reference(die, DW_AT_abstract_origin, &origin) ? &origin : die);
    variable->is_parameter = libdw->dwarf_tag(die) == DW_TAG_formal_parameter;
    dwarf_spell(die, variable->type, sizeof(variable->type), &spelling);
    variable->size = spelling.size;
    variable->is_scalar = spelling.is_scalar;
    variable->is_signed = spelling.is_signed;
    if (libdw->dwarf_attr(die, DW_AT_const_value, &attribute)) {
        Dwarf_Sword number;
        if (libdw->dwarf_formsdata(&attribute, &number) == 0) {
            variable->state = VARIABLE_CONSTANT;
            variable->constant = (uint64_t)number;
        }
        return;
    }
    if (!libdw->dwarf_attr(die, DW_AT_location, &attribute))
        return;
    if (variable->is_parameter && !scope->is_inlined &&
        program_at(search, &attribute, search->place->entry, &program)) {
        variable->register_number = register_of(&program);
        variable->passed =
            variable->register_number != PLACE_NO_REGISTER || program.ops[0].atom == DW_OP_fbreg;
    }
    if (program_at(search, &attribute, search->pc, &variable->program))
        variable->state = VARIABLE_COMPUTED;
}

// ---- calls --------------------------------------------------------------------------------------

static bool has_address(Dwarf_Die *die, unsigned name, uint64_t address)
{
    Dwarf_Attribute attribute;
    Dwarf_Addr value;
    return libdw->dwarf_attr(die, name, &attribute) &&
           libdw->dwarf_formaddr(&attribute, &value) == 0 && value == address;
}

static bool attribute_of_call(Dwarf_Die *die, unsigned name, unsigned gnu_name,
                              Dwarf_Attribute *attribute)
{
    return libdw->dwarf_attr(die, name, attribute) || libdw->dwarf_attr(die, gnu_name, attribute);
}

static void take_argument(struct search *search, Dwarf_Die *die)
{
    struct dwarf_place *place = search->place;
    struct dwarf_argument argument;
    struct dwarf_program where;
    Dwarf_Attribute attribute;
    if (!libdw->dwarf_attr(die, DW_AT_location, &attribute) ||
        !program_at(search, &attribute, search->pc, &where) ||
        !attribute_of_call(die, DW_AT_call_value, DW_AT_GNU_call_site_value, &attribute) ||
        !program_at(search, &attribute, search->pc, &argument.value))
        return;
    argument.register_number = register_of(&where);
    if (argument.register_number == PLACE_NO_REGISTER)
        return;
    if (place->argument_count < MAX_ARGUMENTS)
        place->arguments[place->argument_count++] = argument;
    else
        place->cut = true;
}

static bool take_call(struct search *search, Dwarf_Die *die)
{
    struct dwarf_place *place = search->place;
    Dwarf_Die origin;
    Dwarf_Die child;
    // GNU's, before DWARF 5, has it as DW_AT_low_pc.
    if (place->has_call || !search->return_pc ||
        (!has_address(die, DW_AT_call_return_pc, search->return_pc) &&
         !has_address(die, DW_AT_low_pc, search->return_pc)))
        return true;
    place->arguments = calloc(MAX_ARGUMENTS, sizeof(*place->arguments));
    if (!place->arguments)
        return error_set_no_memory(search->err);
    place->has_call = true;
    if (die_reference(die, DW_AT_call_origin, &origin) ||
        die_reference(die, DW_AT_abstract_origin, &origin))
        place->target = die_name(&origin);
    for (bool more = die_child(die, &child); more && go_on(search, 1);
         more = die_sibling(&child, &child)) {
        int tag = libdw->dwarf_tag(&child);
        if (tag == DW_TAG_call_site_parameter || tag == DW_TAG_GNU_call_site_parameter)
            take_argument(search, &child);
    }
    return true;
}

// ---- scopes -------------------------------------------------------------------------------------

// Whether the place is in the code of an entry.
static bool is_within(struct search *search, Dwarf_Die *die)
{
    Dwarf_Addr base;
    Dwarf_Addr start;
    Dwarf_Addr end;
    ptrdiff_t at = 0;
    while ((at = libdw->dwarf_ranges(die, at, &base, &start, &end)) > 0 && go_on(search, 1)) {
        if (start <= search->pc && search->pc < end)
            return true;
    }
    return false;
}

// Adds the function that an entry is, inlined or not, in front of those around it.
static struct dwarf_scope *scope_add(struct search *search, Dwarf_Die *die)
{
    struct dwarf_place *place = search->place;
    if (place->scope_count == MAX_SCOPES) {
        place->cut = true;
        return NULL;
    }
    struct dwarf_scope *scope = &place->scopes[place->scope_count++];
    *scope = (struct dwarf_scope){
        .name = die_name(die),
        .is_inlined = libdw->dwarf_tag(die) == DW_TAG_inlined_subroutine,
        .first = place->variable_count,
    };
    return scope;
}

// Where an inlined function was called: that is the line of the function around it.
static void locate_call(struct search *search, Dwarf_Die *die, struct dwarf_scope *around)
{
    Dwarf_Files *files;
    size_t count;
    uint64_t file = die_number(die, DW_AT_call_file, UINT64_MAX);
    around->line = (int)die_number(die, DW_AT_call_line, 0);
    if (libdw->dwarf_getsrcfiles(&search->unit, &files, &count) == 0 && file < count)
        around->file = libdw->dwarf_filesrc(files, file, NULL, NULL);
}

static void locate_code(struct search *search, struct dwarf_scope *scope)
{
    Dwarf_Line *line = libdw->dwarf_getsrc_die(&search->unit, search->pc);
    if (!line || libdw->dwarf_lineno(line, &scope->line) != 0)
        return;
    scope->file = libdw->dwarf_linesrc(line, NULL, NULL);
}

// Takes what an entry holds; `next` is the entry within it that the place is in. False if there is
// none, or for an error.
static bool take_entries(struct search *search, Dwarf_Die *die, struct dwarf_scope *scope,
                         Dwarf_Die *next)
{
    Dwarf_Die child;
    bool found = false;
    for (bool more = die_child(die, &child); more; more = die_sibling(&child, &child)) {
        if (!go_on(search, 1))
            return false;
        switch (libdw->dwarf_tag(&child)) {
        case DW_TAG_formal_parameter:
        case DW_TAG_variable:
            take_variable(search, &child, scope);
            break;
        case DW_TAG_call_site:
        case DW_TAG_GNU_call_site:
            if (!take_call(search, &child))
                return false;
            break;
        case DW_TAG_lexical_block:
        case DW_TAG_inlined_subroutine:
            if (!found && is_within(search, &child)) {
                *next = child;
                found = true;
            }
            break;
        default:
            break;
        }
    }
    return found;
}

// The functions at the place, the outermost first.
static void take_scopes(struct search *search, Dwarf_Die *function)
{
    Dwarf_Die at = *function;
    struct dwarf_scope *scope = scope_add(search, function);
    for (int depth = 0; scope && depth < MAX_DEPTH; depth++) {
        Dwarf_Die next;
        if (!take_entries(search, &at, scope, &next)) {
            locate_code(search, scope);
            return;
        }
        at = next;
        if (libdw->dwarf_tag(&at) == DW_TAG_inlined_subroutine) {
            locate_call(search, &at, scope);
            scope = scope_add(search, &at);
        }
    }
    search->place->cut = true;
}

static bool find_unit(struct search *search)
{
    Dwarf *dwarf = search->file->dwarf;
    Dwarf_CU *unit = NULL;
    if (libdw->dwarf_addrdie(dwarf, search->pc, &search->unit))
        return true;
    // Without .debug_aranges the units tell themselves.
    while (libdw->dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &search->unit, NULL) == 0) {
        if (is_within(search, &search->unit))
            return true;
        if (!go_on(search, 1))
            break;
    }
    return false;
}

static bool find_function(struct search *search, Dwarf_Die *function)
{
    if (!find_unit(search))
        return false;
    for (bool more = die_child(&search->unit, function); more;
         more = die_sibling(function, function)) {
        if (!go_on(search, 1))
            return false;
        if (libdw->dwarf_tag(function) == DW_TAG_subprogram && is_within(search, function))
            return true;
    }
    return false;
}

// Where a function begins: one that has a part elsewhere says so, or begins with its first range.
static uint64_t entry_of(Dwarf_Die *function)
{
    Dwarf_Addr base;
    Dwarf_Addr end;
    Dwarf_Addr entry;
    if (libdw->dwarf_entrypc(function, &entry) == 0 ||
        libdw->dwarf_ranges(function, 0, &base, &entry, &end) > 0)
        return entry;
    return 0;
}

// Of inlined functions the last parameter comes first.
static int compare_variables(const void *one, const void *other)
{
    uint64_t a = ((const struct dwarf_variable *)one)->order;
    uint64_t b = ((const struct dwarf_variable *)other)->order;
    return a < b ? -1 : a > b;
}

static void sort_variables(struct dwarf_place *place)
{
    for (size_t i = 0; i < place->scope_count; i++) {
        if (place->scopes[i].count)
            qsort(place->variables + place->scopes[i].first, place->scopes[i].count,
                  sizeof(*place->variables), compare_variables);
    }
}

static void reverse(struct dwarf_place *place)
{
    for (size_t i = 0; i < place->scope_count / 2; i++) {
        struct dwarf_scope other = place->scopes[i];
        place->scopes[i] = place->scopes[place->scope_count - 1 - i];
        place->scopes[place->scope_count - 1 - i] = other;
    }
}

static void place_release(struct dwarf_place **place)
{
    dwarf_place_free(*place);
}

struct dwarf_place *dwarf_place_find(struct dwarf_file *file, uint64_t pc, uint64_t return_pc,
                                     struct error *err)
{
    struct dwarf_place *place SCOPED(place_release) = calloc(1, sizeof(*place));
    struct error failure = {0};
    struct search search = {
        .file = file, .place = place, .pc = pc, .return_pc = return_pc, .err = &failure};
    Dwarf_Die function;
    Dwarf_Attribute attribute;
    *err = (struct error){0};
    if (place)
        place->scopes = calloc(MAX_SCOPES, sizeof(*place->scopes));
    if (!place || !place->scopes) {
        error_set_no_memory(err);
        return NULL;
    }
    if (find_function(&search, &function)) {
        place->entry = entry_of(&function);
        if (libdw->dwarf_attr(&function, DW_AT_frame_base, &attribute) &&
            !program_at(&search, &attribute, pc, &place->frame_base))
            place->frame_base.ops = NULL;
        take_scopes(&search, &function);
        sort_variables(place);
        reverse(place);
    }
    if (failure.code != ERR_NONE) {
        *err = failure;
        return NULL;
    }
    return place->scope_count ? TRANSFER(place) : NULL;
}

void dwarf_place_free(struct dwarf_place *place)
{
    if (!place)
        return;
    free(place->scopes);
    free(place->variables);
    free(place->arguments);
    free(place);
}
