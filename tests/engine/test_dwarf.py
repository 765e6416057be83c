"""Types and variables from DWARF that a compiler wrote, whole and damaged, and the kept index."""

import os
import random
import struct
import subprocess
from pathlib import Path

import pytest

from tests.engine.world import DATA_BASE, World, crash, host_image, pykdump

ERRORS = (TypeError, KeyError, IndexError, crash.error)

SOURCE = """\
#include <stdbool.h>
typedef unsigned int u32;
typedef u32 alias;
enum plain { PLAIN_ZERO, PLAIN_BIG = 0x80000000u };
enum minus { MINUS_ONE = -1, MINUS_ZERO };
enum wide { WIDE = 0x123456789abll };
struct incomplete;
struct list { struct list *next, *prev; };
struct all {
    int a;
    unsigned b1 : 3, b2 : 29;
    signed int s5 : 5;
    unsigned : 0;
    enum minus e2 : 2;
    bool flag : 1;
    bool whole;
    union { int x; struct { short y, z; }; };
    struct { char inner; } named;
    int grid[2][3][4];
    int (*call)(int);
    struct incomplete *opaque;
    const volatile struct list *chain;
    double number;
    __int128 huge;
    unsigned long long ull;
    alias again;
    char *const text;
    int none[0];
    struct list tail[];
};
union both { int i; char bytes[8]; };
struct all *global_pointer;
static struct list global_list = { &global_list, &global_list };
extern int declared[];
int declared[5] = { 1 };
extern struct list elsewhere;
const char banner[] = "text";
u32 counters[7];
struct { int unnamed; } odd;
enum plain p; enum minus m; enum wide w; union both u;
struct list *use(void) { return elsewhere.next ? &elsewhere : global_list.next; }
"""

ALL = [
    ("a", 0, 0, "int", 4), ("b1", 32, 3, "unsigned int", 4), ("b2", 35, 29, "unsigned int", 4),
    ("s5", 64, 5, "int", 4), ("e2", 96, 2, "enum minus", 4), ("flag", 98, 1, "_Bool", 1),
    ("whole", 104, 0, "_Bool", 1), ("x", 128, 0, "int", 4), ("y", 128, 0, "short int", 2),
    ("z", 144, 0, "short int", 2), ("named", 160, 0, "struct {...}", 1),
    ("grid", 192, 0, "int [2][3][4]", 96), ("call", 960, 0, "(func) *", 8),
    ("opaque", 1024, 0, "struct incomplete *", 8), ("chain", 1088, 0, "struct list *", 8),
    ("number", 1152, 0, "double", 8), ("huge", 1280, 0, "__int128", 16),
    ("ull", 1408, 0, "long long unsigned int", 8), ("again", 1472, 0, "alias", 4),
    ("text", 1536, 0, "char *", 8), ("none", 1600, 0, "int [0]", 0),
    ("tail", 1600, 0, "struct list [0]", 0),
]
VARIABLES = {
    "global_pointer": "struct all *", "global_list": "struct list", "declared": "int [5]",
    "elsewhere": "struct list", "banner": "char [5]", "counters": "u32 [7]", "odd": "struct {...}",
    "p": "enum plain", "nothing": None,
}
FORMATS = ["-gdwarf-5", "-gdwarf-4", "-gdwarf-3 -gstrict-dwarf", "-gdwarf-2 -gstrict-dwarf"]


def compiled(directory: Path, *options: str, text: str = SOURCE, name: str = "kernel") -> Path:
    source, result = directory / f"{name}.c", directory / name
    source.write_text(text)
    subprocess.run(["gcc", "-w", "-std=gnu11", *options, "-o", str(result), str(source)],
                   check=True)
    return result


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where indexes are kept; nothing is there yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mpykdump" / "dwarf"


@pytest.fixture
def linked(cache: Path, tmp_path: Path) -> Path:
    return compiled(tmp_path, "-g", "-shared", "-fPIC", "-Wl,--build-id=sha1",
                    "-Wl,--unresolved-symbols=ignore-all")


def begin(namelist: Path) -> None:
    """A session on a dump of that namelist and without BTF."""
    host_image.reset()
    host_image.set_info(namelist=str(namelist))
    host_image.add_region(DATA_BASE, bytes(4096))


def ask_about(name: str) -> None:
    """Asks what a type is, and for a value of it; there may be none."""
    for ask in (pykdump.type_members, pykdump.type_enumerators,
                lambda name: repr(pykdump.read_value(name, DATA_BASE))):
        try:
            ask(name)
        except ERRORS:
            pass


def explore() -> None:
    """Asks everything that there is to ask."""
    for space in ("struct", "union", "enum", "typedef"):
        try:
            pykdump.type_definitions(space)
            names = pykdump.type_names(space)
        except ERRORS:
            continue
        for name in names:
            ask_about(name if space == "typedef" else f"{space} {name}")
    for name in VARIABLES:
        try:
            pykdump.variable_type(name)
        except ERRORS:
            pass


# ---- what compilers write ------------------------------------------------------------------------

@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("link", ["-shared", "-c"])
def test_all_that_c_has(cache: Path, tmp_path: Path, form: str, link: str) -> None:
    begin(compiled(tmp_path, link, "-fPIC", "-Wl,--unresolved-symbols=ignore-all", *form.split()))
    assert pykdump.type_members("struct all") == ALL
    assert pykdump.type_size("struct all") == 208
    assert pykdump.type_size("unsigned long long") == 8
    assert pykdump.type_size("alias *[3]") == 24
    assert {name: pykdump.variable_type(name) for name in VARIABLES} == VARIABLES
    assert pykdump.type_enumerators("enum plain") == {"PLAIN_ZERO": 0, "PLAIN_BIG": 0x80000000}
    assert pykdump.type_enumerators("enum minus") == {"MINUS_ONE": -1, "MINUS_ZERO": 0}
    assert pykdump.type_enumerators("enum wide") == {"WIDE": 0x123456789ab}
    signed = {name: sign for name, _size, sign, _list in pykdump.type_definitions("enum")}
    assert signed == {"plain": False, "minus": True, "wide": False}
    with pytest.raises(TypeError):
        pykdump.type_size("struct incomplete")


def test_repetitions_of_a_definition_are_one_type(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "node.h").write_text("struct node { struct node *next; int key; };\n")
    for unit, rest in (("one", "struct node *a;"),
                       ("two", "struct user { struct node n; struct node *p; } b;")):
        compiled(tmp_path, "-c", "-g", "-fPIC", text=f'#include "node.h"\n{rest}', name=unit)
    subprocess.run(["gcc", "-shared", "-o", tmp_path / "k", tmp_path / "one", tmp_path / "two"],
                   check=True)
    begin(tmp_path / "k")
    user = pykdump.readSU("struct user", DATA_BASE)
    assert pykdump.type_names("struct") == ["node", "user"]
    assert user.n.__class__ is pykdump.readSU("struct node", DATA_BASE).__class__
    assert user.p == 0


def test_definitions_that_differ_are_all_kept(cache: Path, tmp_path: Path) -> None:
    for unit, rest in (("one", "struct twin { int a; } x;"),
                       ("two", "\nstruct twin { long b; } y;")):
        compiled(tmp_path, "-c", "-g", "-fPIC", text=rest, name=unit)
    subprocess.run(["gcc", "-shared", "-o", tmp_path / "k", tmp_path / "one", tmp_path / "two"],
                   check=True)
    begin(tmp_path / "k")
    assert pykdump.type_names("struct") == ["twin", "twin"]
    assert [size for _name, size, *_ in pykdump.type_definitions("struct")] == [4, 8]
    assert pykdump.type_members("struct twin") == [("a", 0, 0, "int", 4)]


def test_without_debug_information_there_is_one_reason(cache: Path, tmp_path: Path) -> None:
    begin(compiled(tmp_path, "-c", "-g0"))
    with pytest.raises(TypeError, match="no BTF.*; no DWARF"):
        pykdump.type_size("int")
    assert pykdump.variable_type("global_list") is None


def test_a_variable_of_a_struct_without_name_is_read(cache: Path, tmp_path: Path) -> None:
    begin(compiled(tmp_path, "-c", "-g"))
    host_image.write(DATA_BASE, struct.pack("<i", 42))
    assert pykdump.read_variable("odd", DATA_BASE).unnamed == 42
    with pytest.raises(TypeError, match="not known"):
        pykdump.read_variable("nothing", DATA_BASE)


# ---- the kept index ------------------------------------------------------------------------------

def index_of(cache: Path) -> Path:
    (path,) = cache.glob("*.index")
    return path


def ask(namelist: Path) -> None:
    begin(namelist)
    assert pykdump.type_members("struct all") == ALL
    assert pykdump.variable_type("counters") == "u32 [7]"


def test_the_index_is_kept_privately_by_build_id(linked: Path, cache: Path) -> None:
    ask(linked)
    path = index_of(cache)
    notes = subprocess.run(["readelf", "-n", linked], capture_output=True, text=True).stdout
    assert path.stem in notes and len(path.stem) == 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert cache.stat().st_mode & 0o777 == 0o700
    assert [other.name for other in cache.iterdir()] == [path.name]


def test_the_second_session_uses_the_kept_index(linked: Path, cache: Path) -> None:
    ask(linked)
    # A struct of another name in the index is one that this session must not find.
    data = index_of(cache).read_bytes()
    index_of(cache).write_bytes(sealed(data.replace(b"\0both\0", b"\0bath\0")))
    begin(linked)
    with pytest.raises(TypeError):
        pykdump.type_size("union both")
    assert pykdump.type_members("struct all") == ALL


def checksum(data: bytes) -> int:
    total = len(data)
    for (word,) in struct.iter_unpack("<Q", data):
        total = (total ^ word) * 0x9e3779b97f4a7c15 % 2**64
        total ^= total >> 29
    return total


HEADER = struct.Struct("<8sIIIIQ64sQQ")


def sealed(data: bytes) -> bytes:
    """The same bytes with a checksum that is right."""
    fields = list(HEADER.unpack_from(data))
    fields[-1] = 0
    body = data[HEADER.size:]
    fields[-1] = checksum(HEADER.pack(*fields)) ^ checksum(body)
    return HEADER.pack(*fields) + body


def test_the_checksum_here_is_that_of_the_engine(linked: Path, cache: Path) -> None:
    ask(linked)
    data = index_of(cache).read_bytes()
    assert sealed(data) == data


def changed(data: bytes, field: int, value: object) -> bytes:
    fields = list(HEADER.unpack_from(data))
    fields[field] = value
    return sealed(HEADER.pack(*fields) + data[HEADER.size:])


REFUSED = {
    "empty": lambda data: b"",
    "short": lambda data: data[:40],
    "truncated": lambda data: data[:-8],
    "longer": lambda data: data + bytes(8),
    "bad checksum": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    "other magic": lambda data: changed(data, 0, b"mpykDWj\0"),
    "other version": lambda data: changed(data, 1, 99),
    "no heads": lambda data: changed(data, 2, 0),
    "odd heads": lambda data: changed(data, 2, 3),
    "many heads": lambda data: changed(data, 2, 1 << 31),
    "many entries": lambda data: changed(data, 3, 2**32 - 1),
    "no entries": lambda data: changed(data, 3, 0),
    "many names": lambda data: changed(data, 4, 2**32 - 8),
    "other file": lambda data: changed(data, 5, 1),
    "other build ID": lambda data: changed(data, 6, bytes(64)),
    "endless build ID": lambda data: changed(data, 7, 2**64 - 1),
    "endless names": lambda data: sealed(data[:-1] + b"x"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_an_unsound_index_is_replaced(linked: Path, cache: Path, how: str) -> None:
    ask(linked)
    path = index_of(cache)
    good = path.read_bytes()
    path.write_bytes(REFUSED[how](good))
    ask(linked)
    assert path.read_bytes() == good


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_index_that_others_may_write_is_not_used(linked: Path, cache: Path, mode: int) -> None:
    ask(linked)
    path = index_of(cache)
    good = path.read_bytes()
    path.write_bytes(sealed(good.replace(b"\0both\0", b"\0bath\0")))
    path.chmod(mode)
    begin(linked)
    assert pykdump.type_size("union both") == 8
    assert path.read_bytes() == good and path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_belongs_to_another_user_is_not_used(linked: Path, cache: Path, what: str) -> None:
    ask(linked)
    path = index_of(cache)
    path.write_bytes(sealed(path.read_bytes().replace(b"\0both\0", b"\0bath\0")))
    os.chown(path if what == "file" else cache, 12345, 12345)
    begin(linked)
    assert pykdump.type_size("union both") == 8


def test_a_link_in_place_of_the_index_is_not_followed(linked: Path, cache: Path) -> None:
    ask(linked)
    path = index_of(cache)
    moved = path.rename(cache.parent / "elsewhere")
    path.symlink_to(moved)
    ask(linked)
    assert path.is_file() and not path.is_symlink()


@pytest.mark.parametrize("obstacle", ["file", "nowhere", "none"])
def test_without_a_place_for_it_all_goes_on(linked: Path, tmp_path: Path, obstacle: str,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    if obstacle == "none":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.delenv("HOME", raising=False)
    else:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "x") if obstacle == "nowhere"
                           else str(tmp_path / "file"))
    ask(linked)


def test_a_file_without_build_id_is_not_kept(cache: Path, tmp_path: Path) -> None:
    begin(compiled(tmp_path, "-c", "-g"))
    assert pykdump.type_size("struct all") == 208
    assert not cache.exists()


def test_the_oldest_go_when_there_is_too_much(linked: Path, cache: Path) -> None:
    ask(linked)
    mine = index_of(cache)
    mine.unlink()
    for age in range(5):
        other = cache / f"{age:040x}.index"
        other.touch()
        os.truncate(other, 20 << 20)
        os.utime(other, (1_000_000 - age, 1_000_000 - age))
    left = cache / ".1234.5678.part"
    left.touch()
    os.utime(left, (1_000_000, 1_000_000))
    ask(linked)
    assert {path.name for path in cache.iterdir()} == {mine.name, *(f"{age:040x}.index"
                                                                    for age in range(3))}


# ---- damage --------------------------------------------------------------------------------------

def test_an_index_made_to_hurt_does_not(linked: Path, cache: Path) -> None:
    ask(linked)
    path = index_of(cache)
    good = path.read_bytes()
    rng = random.Random(1)
    for _ in range(150):
        data = bytearray(good)
        for _ in range(rng.choice((1, 1, 2, 8, 64))):
            at = rng.randrange(HEADER.size, len(data))
            data[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
        path.write_bytes(sealed(bytes(data)))
        begin(linked)
        explore()


def sections(data: bytes) -> list[tuple[int, int]]:
    """Where the debug sections are."""
    table, size, count, names = (*struct.unpack_from("<Q", data, 40),
                                 *struct.unpack_from("<HHH", data, 58))
    headers = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
    text = headers[names][4]
    return [(offset, length) for name, _type, _flags, _addr, offset, length in headers
            if data[text + name:].startswith((b".debug_info", b".debug_abbrev", b".debug_str"))]


@pytest.mark.parametrize("form", ["-gdwarf-5", "-gdwarf-4"])
@pytest.mark.parametrize("link", ["-shared", "-c"])
def test_damaged_dwarf_does_no_harm(cache: Path, tmp_path: Path, form: str, link: str) -> None:
    path = compiled(tmp_path, link, "-fPIC", form, "-Wl,--build-id=none",
                    "-Wl,--unresolved-symbols=ignore-all")
    good = path.read_bytes()
    places = [at for start, size in sections(good)[:3] for at in range(start, start + size)]
    rng = random.Random(2)
    for _ in range(250):
        data = bytearray(good)
        for _ in range(rng.choice((1, 1, 1, 2, 8))):
            data[rng.choice(places)] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
        path.unlink()
        path.write_bytes(data)
        begin(path)
        explore()


def test_truncated_files_do_no_harm(cache: Path, tmp_path: Path) -> None:
    path = compiled(tmp_path, "-c", "-g")
    good = path.read_bytes()
    for size in range(0, len(good), len(good) // 60):
        path.unlink()
        path.write_bytes(good[:size])
        begin(path)
        explore()


# Entries by hand: what no compiler writes. Offsets are those of labels, relative to the unit.
CYCLES = """\
.section .debug_abbrev,"",@progbits
.Labbrev:
.uleb128 1, 0x11; .byte 1; .uleb128 0x13, 0x0b, 0, 0
.uleb128 2, 0x16; .byte 0; .uleb128 0x03, 0x08, 0x49, 0x13, 0, 0
.uleb128 3, 0x26; .byte 0; .uleb128 0x49, 0x13, 0, 0
.uleb128 4, 0x13; .byte 1; .uleb128 0x03, 0x08, 0x0b, 0x0b, 0, 0
.uleb128 5, 0x0d; .byte 0; .uleb128 0x49, 0x13, 0x38, 0x0b, 0, 0
.uleb128 6, 0x01; .byte 1; .uleb128 0x49, 0x13, 0, 0
.uleb128 7, 0x21; .byte 0; .uleb128 0x2f, 0x07, 0, 0
.uleb128 8, 0x34; .byte 0; .uleb128 0x47, 0x13, 0, 0
.uleb128 9, 0x34; .byte 0; .uleb128 0x03, 0x08, 0x49, 0x13, 0, 0
.uleb128 10, 0x13; .byte 1; .uleb128 0x0b, 0x07, 0, 0
.uleb128 11, 0x13; .byte 1; .uleb128 0x03, 0x08, 0x01, 0x13, 0, 0
.byte 0
.section .debug_info,"",@progbits
.Linfo: .long .Lend - .Lversion
.Lversion: .value 4; .long 0; .byte 8
.uleb128 1; .byte 12
.Lone: .uleb128 2; .asciz "one"; .long .Ltwo - .Linfo
.Ltwo: .uleb128 2; .asciz "two"; .long .Lone - .Linfo
.Lself: .uleb128 2; .asciz "self"; .long .Lself - .Linfo
.Lconst: .uleb128 3; .long .Lconst - .Linfo
.uleb128 2; .asciz "constant"; .long .Lconst - .Linfo
.Lpair: .uleb128 4; .asciz "pair"; .byte 8
.uleb128 5; .long .Lpair - .Linfo; .byte 0
.uleb128 5; .long .Lpair - .Linfo; .byte 4
.byte 0
.Lnest: .uleb128 10; .quad -1
.uleb128 5; .long .Lnest - .Linfo; .byte 0
.uleb128 5; .long .Lnest - .Linfo; .byte 0
.byte 0
.uleb128 9; .asciz "nested"; .long .Lnest - .Linfo
.Larray: .uleb128 6; .long .Larray - .Linfo
.uleb128 7; .quad -2
.uleb128 7; .quad 1 << 40
.byte 0
.uleb128 9; .asciz "array"; .long .Larray - .Linfo
.Lspec: .uleb128 8; .long .Lspec - .Linfo
.Lspec2: .uleb128 8; .long .Lspec3 - .Linfo
.Lspec3: .uleb128 8; .long .Lspec2 - .Linfo
.uleb128 9; .asciz "beyond"; .long 0x7fffffff
.uleb128 9; .asciz "within"; .long .Lone - .Linfo + 2
.Lback: .uleb128 11; .asciz "back"; .long .Lone - .Linfo; .byte 0
.uleb128 9; .asciz "unreached"; .long .Lone - .Linfo
.byte 0
.Lend:
"""


def test_what_contains_itself_ends(cache: Path, tmp_path: Path) -> None:
    source, path = tmp_path / "cycles.s", tmp_path / "cycles"
    source.write_text(CYCLES)
    subprocess.run(["gcc", "-shared", "-nostdlib", "-o", path, source], check=True)
    begin(path)
    explore()
    assert set(pykdump.type_names("typedef")) == {"one", "two", "self", "constant"}
    for name in ("one", "two", "self"):
        assert pykdump.type_size(name) == 0
    with pytest.raises(TypeError, match="more than"):
        pykdump.type_members("struct pair")
    for name in ("nested", "array", "beyond", "within"):
        pykdump.variable_type(name)


@pytest.fixture(autouse=True)
def afterwards():
    yield
    World()
