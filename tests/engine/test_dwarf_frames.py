"""What DWARF tells of frames: every operation of its programs, and what nobody writes."""

import random
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.engine.world import DATA_BASE, host_image, pykdump

TEXT = 0xffffffff9a000000       # where the code was loaded: elsewhere than it was linked
CALLEE, CALLER = TEXT, TEXT + 64
CFA, WORD = DATA_BASE + 2048, 0x1122334455667788
CALLER_CFA = CFA + 256
RBX, RDI, RSI = 3, 5, 4         # by DWARF's numbers
BACK = 16                       # where the call is that has called

HEAD = """
    .text
    .globl callee, caller
callee: .skip 64
caller: .skip 64
end:
    .section .debug_abbrev
    .uleb128 1, 0x11
    .byte 1
    .uleb128 0x11, 1, 0x12, 7, 0, 0         # unit: low_pc, high_pc
    .uleb128 2, 0x2e
    .byte 1
    .uleb128 3, 8, 0x11, 1, 0x12, 7, 0x40, 0x18, 0, 0   # subprogram: name, low, high, frame_base
    .uleb128 3, 5
    .byte 0
    .uleb128 3, 8, 0x49, 0x13, 2, 0x18, 0, 0    # formal_parameter: name, type, location
    .uleb128 4, 0x24
    .byte 0
    .uleb128 3, 8, 0xb, 0xb, 0x3e, 0xb, 0, 0    # base_type: name, byte_size, encoding
    .uleb128 5, 0x48
    .byte 1
    .uleb128 0x7d, 1, 0x7f, 0x13, 0, 0      # call_site: return_pc, origin
    .uleb128 6, 0x49
    .byte 0
    .uleb128 2, 0x18, 0x7e, 0x18, 0, 0      # call_site_parameter: location, value
    .uleb128 7, 0x1d
    .byte 1
    .uleb128 0x31, 0x13, 0x11, 1, 0x12, 7, 0, 0     # inlined_subroutine: origin, low, high
    .uleb128 8, 0x2e
    .byte 0
    .uleb128 0x31, 0x13, 0, 0               # subprogram: origin
    .uleb128 9, 5
    .byte 0
    .uleb128 3, 8, 0x49, 0x13, 2, 0x17, 0, 0    # formal_parameter: location by a list
    .uleb128 10, 0x48
    .byte 1
    .uleb128 0x7d, 1, 0, 0                  # call_site: return_pc
    .uleb128 11, 0xb
    .byte 1
    .uleb128 0x11, 1, 0x12, 7, 0, 0         # lexical_block
    .byte 0
    .section .debug_info
unit: .long unit_end - 1f
1:  .short 5
    .byte 1, 8
    .long .debug_abbrev
    .uleb128 1
    .quad callee, end - callee
signed: .uleb128 4
    .asciz "int"
    .byte 4, 5
word: .uleb128 4
    .asciz "long unsigned int"
    .byte 8, 7
byte: .uleb128 4
    .asciz "signed char"
    .byte 1, 6
real: .uleb128 4
    .asciz "double"
    .byte 8, 4
"""
TAIL = "    .byte 0\nunit_end:\n"


def block(program: Iterable[int] | str) -> str:
    """A program with its length in front; as bytes, or as lines for the assembler."""
    body = program if isinstance(program, str) else "    .byte " + ", ".join(map(str, program))
    return f"    .uleb128 8f - 7f\n7:\n{body}\n8:\n"


def parameter(program: Iterable[int] | str, ctype: str = "word", name: str = "it") -> str:
    return f'    .uleb128 3\n    .asciz "{name}"\n    .long {ctype} - unit\n{block(program)}'


def function(name: str, *children: str, base: Iterable[int] = (0x9c,)) -> str:
    return f'{name}_die: .uleb128 2\n    .asciz "{name}"\n    .quad {name}, 64\n' \
        f'{block(base)}{"".join(children)}    .byte 0\n'


def call(*passed: tuple[int, Iterable[int] | str], origin: str = "callee_die") -> str:
    where = f"    .long {origin} - unit\n" if origin else ""
    return f"    .uleb128 {5 if origin else 10}\n    .quad caller + {BACK}\n{where}" + "".join(
        f"    .uleb128 6\n{block([0x50 + register])}{block(value)}"
        for register, value in passed) + "    .byte 0\n"


@pytest.fixture
def make(tmp_path: Path):
    """Makes a namelist of functions' DWARF, and a session on a dump of it."""
    def write(*functions: str, sections: str = "") -> Path:
        source, result = tmp_path / "unit.s", tmp_path / "unit"
        source.write_text(HEAD + "".join(functions) + TAIL + sections)
        subprocess.run(["gcc", "-shared", "-nostdlib", "-o", result, source], check=True)
        begin(result)
        return result
    return write


def begin(namelist: Path) -> None:
    host_image.reset()
    host_image.set_info(namelist=str(namelist))
    host_image.add_region(DATA_BASE, WORD.to_bytes(8, "little") * 512)
    host_image.add_symbol("_text", TEXT)


def frames(registers=None, entry=None, count=2):
    """What is told of a stack: the callee, and callers that call each other."""
    return pykdump.dwarf_frames(
        [(CALLEE + 8, False, None, CFA, registers or {}, entry or {})]
        + [(CALLER + BACK, False, None, CALLER_CFA, {RBX: (77, 0)}, {})] * (count - 1))


def value(make, program, ctype="word", caller="", **asked):
    """(value, note) of a parameter whose place a program tells."""
    make(function("callee", parameter(program, ctype)), function("caller", caller))
    found = frames({RBX: (DATA_BASE + 8, 0)}, **asked)
    [scope] = found[0].scopes
    [it] = scope.variables
    assert not found[0].cut and it.name == "it"
    return it.value, it.note


LIT = 0x30
STACK_VALUE = 0x9f
OPERATIONS = {
    "a register": ([0x53], DATA_BASE + 8),
    "a register by number": ([0x90, 3], DATA_BASE + 8),
    "memory": ([0x73, 0], WORD),
    "the frame's base": ([0x91, 8], WORD),
    "the frame": ([0x9c], WORD),
    "an address": ("    .byte 3\n    .quad callee + 4\n    .byte 0x9f", CALLEE + 4),
    "what is there": ([0x73, 0, 6, STACK_VALUE], WORD),
    "a part of it": ([0x73, 0, 0x94, 2, STACK_VALUE], WORD & 0xffff),
    "a constant": ([0xa, 0x34, 0x12, STACK_VALUE], 0x1234),
    "a negative one": ([9, 0xff, STACK_VALUE], (1 << 64) - 1),
    "a value in the program": ([0x9e, 4, 1, 2, 3, 4], 0x04030201),
    "a sum": ([LIT + 3, LIT + 4, 0x22, STACK_VALUE], 7),
    "a difference": ([LIT + 3, LIT + 4, 0x1c, STACK_VALUE], (1 << 64) - 1),
    "a product": ([LIT + 3, LIT + 4, 0x1e, STACK_VALUE], 12),
    "a quotient": ([9, 0xf8, LIT + 3, 0x1b, STACK_VALUE], (1 << 64) - 2),
    "a remainder": ([LIT + 17, LIT + 5, 0x1d, STACK_VALUE], 2),
    "and": ([LIT + 6, LIT + 3, 0x1a, STACK_VALUE], 2),
    "or": ([LIT + 6, LIT + 3, 0x21, STACK_VALUE], 7),
    "exclusive or": ([LIT + 6, LIT + 3, 0x27, STACK_VALUE], 5),
    "shifts": ([9, 0x80, LIT + 4, 0x26, LIT + 1, 0x24, STACK_VALUE], (1 << 64) - 16),
    "an unsigned shift": ([9, 0xff, 8, 60, 0x25, STACK_VALUE], 15),
    "a shift of all bits": ([LIT + 1, 8, 64, 0x24, STACK_VALUE], 0),
    "a negation": ([LIT + 1, 0x1f, 0x20, 0x19, STACK_VALUE], 0),
    "an offset": ([LIT + 1, 0x23, 0x80, 1, STACK_VALUE], 129),
    "comparisons": ([9, 0xff, LIT + 1, 0x2d, LIT + 1, 0x29, STACK_VALUE], 1),
    "copies": ([LIT + 5, 0x12, 0x14, 0x15, 2, 0x22, 0x22, 0x22, STACK_VALUE], 20),
    "exchanges": ([LIT + 1, LIT + 2, LIT + 3, 0x17, 0x16, 0x13, STACK_VALUE], 2),
    "a branch": ([LIT + 1, 0x28, 1, 0, LIT + 9, LIT + 2, STACK_VALUE], 2),
    "a jump": ([0x2f, 1, 0, LIT + 9, LIT + 2, STACK_VALUE], 2),
    "a narrower type": ("    .byte 0x0a, 0xff, 0x01, 0xa8\n    .uleb128 byte - unit\n"
                        "    .byte 0xa8, 0, 0x9f", (1 << 64) - 1),
    "a register of a type": ("    .byte 0xa5, 3\n    .uleb128 signed - unit\n"
                             "    .byte 0xa8, 0, 0x9f", 8),
    "a constant of a type": ("    .byte 0xa4\n    .uleb128 byte - unit\n"
                             "    .byte 1, 0x80, 0xa8, 0, 0x9f", (1 << 64) - 128),
    "memory of a type": ("    .byte 0x73, 0, 0xa6, 1\n    .uleb128 byte - unit\n"
                         "    .byte 0xa8, 0, 0x9f", (1 << 64) - 0x78),
}
NO_VALUE = {
    "nothing": ([], "it was optimised out"),
    "an empty stack": ([0x22, STACK_VALUE], "its expression is wrong"),
    "nothing below": ([LIT, 0x15, 9, STACK_VALUE], "its expression is wrong"),
    "an endless loop": ([0x2f, 0xfd, 0xff], "its expression is too long"),
    "a jump to nowhere": ([0x2f, 0x40, 0, LIT, STACK_VALUE], "its expression is wrong"),
    "a stack without end": ([LIT, 0x12, 0x2f, 0xfc, 0xff], "its expression is too deep"),
    "a division by nothing": ([LIT + 1, LIT, 0x1b, STACK_VALUE], "its expression divides by zero"),
    "pieces": ([0x53, 0x93, 4, 0x54, 0x93, 4], "it is in several places"),
    "a register that is not known": ([0x50], "it was in a register that others have used since"),
    "one that does not exist": ([0x90, 0xff, 1],
                                "it was in a register that others have used since"),
    "memory that is not there": ([0x73, 0, 6], "it is in memory that cannot be read"),
    "no size of memory": ([0x73, 0, 0x94, 0, STACK_VALUE], "it is in memory that cannot be read"),
    "an operation of nobody": ([0xf7, 0xff, 0xff], "its expression"),
    "a call": ([0x98, 1, 0], "its expression is not understood"),
    "a large value": ([0x9e, 9, *range(9)], "its value is too large"),
    "a type of no number": ("    .byte 0x0a, 1, 0, 0xa8\n    .uleb128 real - unit\n"
                            "    .byte 0x9f", "its expression has a type"),
    "a type that is none": ([LIT, 0xa8, 0xff, 0x7f, STACK_VALUE], "its expression is wrong"),
    "an entry value of memory": ([0xa3, 2, 0x75, 0, STACK_VALUE],
                                 "it depends on what was in memory"),
    "an entry value within itself": ([0xa3, 3, 0xa3, 1, 0x55, STACK_VALUE],
                                     "it depends on what was in memory"),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation(make, name: str) -> None:
    program, expected = OPERATIONS[name]
    assert value(make, program) == (expected, "")


@pytest.mark.parametrize("name", NO_VALUE)
def test_what_has_no_value_says_why(make, name: str) -> None:
    program, note = NO_VALUE[name]
    found, told = value(make, program)
    assert found is None and told.startswith(note)


def test_values_have_the_size_and_sign_of_their_type(make) -> None:
    assert value(make, [9, 0xfe, STACK_VALUE], "signed") == (-2, "")
    assert value(make, [0x73, 0], "signed") == (WORD & 0xffffffff, "")
    assert value(make, [9, 0xfe, STACK_VALUE], "byte") == (-2, "")


# ---- what calls pass ---------------------------------------------------------------------------

def test_a_call_tells_what_it_passed(make) -> None:
    make(function("callee", parameter([0xa3, 1, 0x55, STACK_VALUE])),
         function("caller", call((RDI, [0x73, 3]), (RSI, [LIT + 9]))))
    inner, outer = frames()
    assert inner.passed == {RDI: (80, 0, 1, False), RSI: (9, 0, 1, False)} and not inner.note
    [it] = inner.scopes[0].variables
    assert (it.value, it.doubt, it.callers, it.followed) == (80, 0, 1, False)
    assert outer.passed == {} and outer.note == "the call is not described"


def test_what_was_passed_on_is_followed_outwards(make) -> None:
    passing = call((RDI, [0xa3, 1, 0x55, 0x23, 1]), origin="")
    make(function("callee", parameter([0xa3, 1, 0x55, STACK_VALUE])), function("caller", passing))
    stack = [(CALLEE + 8, False, None, CFA, {}, {}),
             *[(CALLER + BACK, False, None, CALLER_CFA, {}, {})] * 3,
             (CALLER + BACK, False, None, CALLER_CFA, {}, {RDI: (100, 0)})]
    [it] = pykdump.dwarf_frames(stack)[0].scopes[0].variables
    assert (it.value, it.doubt, it.callers, it.followed) == (104, 1, 4, True)


def test_what_was_read_for_a_call_may_have_changed(make) -> None:
    for where, doubt in (([0x91, 0], 1), ([0x73, 0], 2)):
        make(function("callee"), function("caller", call((RDI, [*where, 6]))))
        [inner, _outer] = pykdump.dwarf_frames([
            (CALLEE + 8, False, None, CFA, {}, {}),
            (CALLER + BACK, False, None, CFA if doubt == 1 else 0, {RBX: (DATA_BASE, 0)}, {})])
        assert inner.passed == {RDI: (WORD, doubt, 1, False)}


def test_a_call_to_another_function_tells_nothing(make) -> None:
    make(function("callee", parameter([0xa3, 1, 0x55, STACK_VALUE])),
         function("caller", call((RDI, [LIT]), origin="caller_die")))
    inner = frames()[0]
    assert inner.passed == {} and "jumped on" in inner.note
    [it] = inner.scopes[0].variables
    assert it.value is None and "jumped on" in it.note


@pytest.mark.parametrize("value, count, note", [
    ([0xa3, 1, 0x55, 0xa3, 1, 0x55, 0x22], 25, "its expression is too long"),   # each one twice
    ([0xa3, 1, 0x55], 500, "it was passed on by too many callers")])
def test_callers_are_not_asked_for_ever(make, value: list[int], count: int, note: str) -> None:
    make(function("callee", parameter([0xa3, 1, 0x55, STACK_VALUE])),
         function("caller", call((RDI, value), origin="")))
    stack = [(CALLEE + 8, False, None, CFA, {}, {}),
             *[(CALLER + BACK, False, None, CALLER_CFA, {}, {})] * count,
             (CALLER + BACK, False, None, CALLER_CFA, {}, {RDI: (100, 0)})]
    [it] = pykdump.dwarf_frames(stack)[0].scopes[0].variables
    assert (it.value, it.note) == (None, note)


# ---- what nobody writes ------------------------------------------------------------------------

def test_origins_in_a_circle(make) -> None:
    make(function("callee", "    .uleb128 7\n    .long one - unit\n    .quad callee, 64\n"
                  "    .byte 0\n"),
         "one: .uleb128 8\n    .long other - unit\nother: .uleb128 8\n    .long one - unit\n")
    [inlined, outer] = frames()[0].scopes
    assert inlined.name is None and inlined.inlined and outer.name == "callee"


@pytest.mark.parametrize("entry", ["    .uleb128 7\n    .long one - unit\n", "    .uleb128 11\n"])
def test_blocks_within_blocks_are_cut(make, entry: str) -> None:
    depth = 20_000
    make(function("callee", (entry + "    .quad callee, 64\n") * depth + "    .byte 0\n" * depth),
         "one: .uleb128 8\n    .long one - unit\n")
    found = frames()[0]
    assert found.cut and 0 < len(found.scopes) <= 64


def test_more_variables_than_a_function_has_are_cut(make) -> None:
    make(function("callee", *[parameter([LIT, STACK_VALUE])] * 5000))
    found = frames()[0]
    assert found.cut and len(found.scopes[0].variables) == 512


def test_a_long_list_of_locations_is_cut(make) -> None:
    place = "    .byte 8\n    .quad 0x10\n    .uleb128 1\n    .uleb128 1\n    .byte 0x30\n"
    listed = "".join(f'    .uleb128 9\n    .asciz "it"\n    .long word - unit\n    .long {at}\n'
                     for at in range(12, 12 + 200))
    make(function("callee", listed), sections="    .section .debug_loclists\n    .long 2f - 1f\n"
         "1:  .short 5\n    .byte 8, 0\n    .long 0\n" + place * 100_000 + "    .byte 0\n2:\n")
    found = frames()[0]
    assert len(found.scopes[0].variables) <= 200
    assert all(each.value is None for each in found.scopes[0].variables)


def test_a_base_of_itself(make) -> None:
    make(function("callee", parameter([0x91, 0]), base=[0x91, 0]))
    [it] = frames()[0].scopes[0].variables
    assert (it.value, it.note) == (None, "its frame has no base")


def test_code_that_is_not_described_has_no_scopes(make) -> None:
    make(function("callee"))
    [told] = pykdump.dwarf_frames([(CALLER + 8, False, None, 0, {}, {})])
    assert told.scopes == [] and told.passed == {}
    [told] = pykdump.dwarf_frames([(0, True, None, 0, {}, {})])
    assert told.scopes == []
    [told] = pykdump.dwarf_frames([(CALLEE, True, "module", 0, {}, {})])
    assert told.scopes == []


def test_damage_anywhere_is_no_harm(make, tmp_path: Path) -> None:
    whole = make(function("callee", parameter([0xa3, 1, 0x55, STACK_VALUE]), parameter([0x73, 0])),
                 function("caller", call((RDI, [0x73, 3])))).read_bytes()
    headers = subprocess.run(["readelf", "-SW", tmp_path / "unit"], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    places = [int(word, 16) for name in (".debug_info", ".debug_abbrev")
              for word in headers.split(f" {name} ")[1].split()[2:4]]
    chance = random.Random(7)
    for _ in range(300):
        damaged = bytearray(whole)
        start, size = chance.choice([places[:2], places[2:]])
        for _ in range(chance.choice([1, 1, 3, 30])):
            damaged[start + chance.randrange(size)] = chance.randrange(256)
        (tmp_path / "unit").write_bytes(damaged)
        begin(tmp_path / "unit")
        try:
            found = frames()
        except TypeError:
            continue
        assert len(found) == 2


@pytest.mark.parametrize("stack, error", [
    ([(1,)], TypeError), ([7], TypeError), (7, TypeError), ([None], TypeError),
    ([(1, False, None, 0, {99: (1, 0)}, {})], ValueError),
    ([(1, False, None, 0, {3: 1}, {})], TypeError), ([(1, False, None, 0, 5, {})], TypeError),
    ([(1, False, None, 0, {}, {})] * 513, ValueError)])
def test_questions_that_are_none(make, stack, error) -> None:
    make(function("callee"))
    with pytest.raises(error):
        pykdump.dwarf_frames(stack)


def test_without_dwarf_there_is_one_reason(tmp_path: Path) -> None:
    (tmp_path / "nothing").write_bytes(b"nothing")
    begin(tmp_path / "nothing")
    for _ in range(2):
        with pytest.raises(TypeError, match="no DWARF in .*nothing"):
            frames()


def test_a_namelist_whose_code_is_nowhere(make, tmp_path: Path) -> None:
    make(function("callee"))
    host_image.reset()
    host_image.set_info(namelist=str(tmp_path / "unit"))
    with pytest.raises(TypeError, match="where the namelist's code was loaded is not known"):
        frames()
