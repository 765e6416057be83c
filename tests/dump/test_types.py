"""The sources of types agree with each other about everything that the kernel defines."""

import json
import re
from collections import defaultdict

import pytest

SPACES = ("struct", "union", "enum", "typedef")

# Definitions within functions: the encoder of BTF takes them, the DWARF provider has what is at
# file scope.
LOCAL = {
    "struct": {"__arch_relative_insn", "bts_record", "h_misc", "list_lru_memcg_table", "mafield",
               "msr_enumeration", "numa_stat", "perf_aux_event", "sg", "syscall_tp_t"},
    "enum": {"nf_nat_manip_type", "slab_modes", "x86_intercept_stage"},
}
# fs/compat_binfmt_elf.c includes fs/binfmt_elf.c: two definitions on one line, equal up to the
# types of their members. The index has the first.
SAME_LINE = {"struct": {"elf_note_info"}}

ASK = """\
import _pykdump, json
known = {space: _pykdump.type_definitions(space) for space in %r}
with open('known.json', 'w') as out:
    json.dump(known, out)
print(_pykdump.types_source())
"""

# The first question of a session builds the index, and Ctrl-C must end that.
INTERRUPTED = """\
import _pykdump, signal
def stop(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, stop)
for delay in (0.02, 0.05):
    signal.setitimer(signal.ITIMER_REAL, delay)
    try:
        print('not interrupted', _pykdump.variable_type('init_task'))
    except KeyboardInterrupt:
        print('interrupted')
print(_pykdump.variable_type('init_task'))
"""


@pytest.fixture(scope="module")
def known(starting):
    """Everything that each source knows: its name -> space -> name -> definitions."""
    told = {}
    for source in ("btf", "dwarf"):
        session = starting(PYKDUMP_TYPES=source)
        try:
            if source == "dwarf":
                assert session.epython(INTERRUPTED) == "interrupted\ninterrupted\n" \
                                                       "struct task_struct\n"
            assert session.epython(ASK % (SPACES,)).lower().startswith(source)
            found = json.loads((session.cwd / "known.json").read_text())
        finally:
            session.close()
        told[source] = {space: by_name(definitions) for space, definitions in found.items()}
    return told


def by_name(definitions):
    names = defaultdict(set)
    for name, *rest in definitions:
        names[name].add(json.dumps(plain(rest)))
    return names


def plain(value):
    """The same with one dimension for several: that is what the encoder of BTF makes of them."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and "][" in value:
        base, *lengths = re.split(r"(?=\[\d+\])", value)
        product = 1
        for length in lengths:
            product *= int(length[1:-1])
        return f"{base}[{product}]"
    return value


@pytest.mark.parametrize("space", SPACES)
def test_both_know_the_same_names(known, space):
    btf, dwarf = set(known["btf"][space]), set(known["dwarf"][space])
    assert dwarf - btf == set()
    assert btf - dwarf <= LOCAL.get(space, set())
    assert len(dwarf) > {"struct": 6000, "union": 100, "enum": 900, "typedef": 1500}[space]


@pytest.mark.parametrize("space", SPACES)
def test_both_describe_them_alike(known, space):
    btf, dwarf = known["btf"][space], known["dwarf"][space]
    different = {name: (btf[name], dwarf[name]) for name in btf.keys() & dwarf.keys()
                 if btf[name] != dwarf[name]}
    for name in SAME_LINE.get(space, set()) & set(different):
        ours, theirs = different.pop(name)
        assert theirs < ours
    assert different == {}


VARIABLES = """\
import _pykdump, crash, json, random, re
names = set()
for line in crash.exec_crash_command('sym -l').splitlines():
    found = re.match(r'[0-9a-f]+ \\([dDbBrR]\\) (\\w+)$', line.strip())
    if found and not re.match('__(kstrtab|ksymtab|crc_|BTF_ID|initcall)', found[1]):
        names.add(found[1])
known = {name: _pykdump.variable_type(name) for name in names}
sample = random.Random(%d).sample(sorted(names), %d)
print(json.dumps([known, {name: crash.get_GDB_output('whatis ' + name) for name in sample}]))
"""
SEED, SAMPLE = 1, 100


@pytest.fixture(scope="module")
def variables(starting):
    """All variables with their types, or None, and gdb's answers for some."""
    session = starting()
    try:
        return json.loads(session.epython(VARIABLES % (SEED, SAMPLE)))
    finally:
        session.close()


def test_most_variables_need_no_gdb(variables):
    known, _gdb = variables
    # What is left is written in assembly or made by the linker.
    assert sum(ctype is None for ctype in known.values()) < len(known) / 100
    assert len(known) > 15000


def spelling(ctype):
    """A type as gdb and as the compiler say it, made equal."""
    ctype = re.sub(r"\b(const|volatile|restrict)\b", "", ctype)
    ctype = re.sub(r"^.*\(\*((\[\d+\])*)\)\s*\(.*\)$", r"(func) *\1", ctype)
    for compiler, gdb in (("long long unsigned int", "unsigned long long"),
                          ("long unsigned int", "unsigned long"),
                          ("short unsigned int", "unsigned short"), ("long long int", "long long"),
                          ("long int", "long"), ("short int", "short")):
        ctype = ctype.replace(compiler, gdb)
    # gdb may show a declaration without a length.
    return re.sub(r"\[\d*\]", "[]", ctype.replace(" ", ""))


def test_gdb_says_the_same_of_variables(variables):
    known, gdb = variables
    different = {}
    for name, answer in gdb.items():
        prefix, _equals, ctype = (answer or "").strip().partition(" = ")
        if prefix != "type" or ctype.startswith("<"):
            continue
        if known[name] is None or spelling(known[name]) != spelling(ctype):
            different[name] = (known[name], ctype)
    assert different == {}
