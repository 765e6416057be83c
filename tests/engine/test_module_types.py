"""Types of modules from debug files that a compiler wrote, for modules of a small image."""

import random
import struct
import subprocess
from pathlib import Path

import pytest

from tests.engine.test_dwarf import ask_about, cache, compiled, sections  # noqa: F401 - a fixture
from tests.engine.world import DATA_BASE, host_image, pykdump

KERNEL = """\
typedef unsigned long size_t;
typedef struct { int counter; } atomic_t;
enum color { RED, BLUE };
struct list_head { struct list_head *next, *prev; };
struct attribute { const char *name; unsigned short mode; };
struct bin_attribute { struct attribute attr; unsigned long size; void *private; };
struct attribute_group { const char *name; struct bin_attribute **bin_attrs; };
#ifdef WITH_TABLE
struct module_notes_attrs { struct attribute_group grp; struct bin_attribute attrs[]; };
#else
struct module_notes_attrs { void *dir; unsigned int notes; struct bin_attribute attrs[]; };
#endif
struct module {
    int state;
    struct list_head list;
    char name[56];
    const char *srcversion;
    struct module_notes_attrs *notes_attrs;
};
struct shared { int a; atomic_t count; unsigned bits : 3; struct list_head list; };
struct twin { int small; };
struct module module;
struct module_notes_attrs *notes;
struct shared shared;
struct twin twin;
enum color color;
struct attribute_group group;
"""
MODULE = """\
typedef unsigned long size_t;
typedef struct { int counter; } atomic_t;
enum color { RED, BLUE };
enum other { OTHER = 7 };
struct list_head { struct list_head *next, *prev; };
struct shared { int a; atomic_t count; unsigned bits : 3; struct list_head list; };
struct twin { long large[2]; };
struct module;
struct nowhere;
struct own {
    struct shared inside, *pointer;
    struct twin twin;
    struct module *owner;
    struct nowhere *nowhere;
    size_t size;
    enum color color;
    enum other other;
};
struct own thing = { .size = 1 };
static const char info[] __attribute__((section(".modinfo"), used)) =
    "license=GPL\\0name=some_mod\\0srcversion=ABC\\0vermagic=" RELEASE " SMP mod_unload ";
"""
MODULE_AT, NOTES_AT, NOTE_AT, TABLE_AT, TEXT_AT, HEAD = (
    DATA_BASE + offset for offset in (0x100, 0x200, 0x300, 0x400, 0x500, 0x600))
THING_AT = DATA_BASE + 0x800
LIST, NAME, SRCVERSION, NOTES = 8, 24, 80, 88       # in struct module
SIZE_OF_OWN = 40 + 8 + 16 + 8 + 8 + 8 + 8


def module_file(folder: Path, name: str = "some-mod.ko", release: str = "0.0.0-image",
                build_id: str = "sha1", text: str = MODULE) -> Path:
    compiled(folder, "-c", "-g", f'-DRELEASE="{release}"', text=text, name="unit")
    subprocess.run(["ld", "-r", f"--build-id={build_id}", "-o", folder / name, folder / "unit"],
                   check=True)
    return folder / name


def build_id_of(file: Path) -> bytes:
    data = file.read_bytes()
    at = data.find(b"\4\0\0\0\x14\0\0\0\3\0\0\0GNU\0")
    return data[at + 16:at + 36] if at >= 0 else b""


class Image:
    """A kernel with one module, whose build ID is that of a file."""

    def __init__(self, folder: Path, table: bool = False) -> None:
        self.tree = folder / "tree"
        self.tree.mkdir()
        self.kernel = compiled(folder, "-g", "-shared", "-fPIC", "-Wl,--build-id=sha1",
                               *(["-DWITH_TABLE"] if table else []), text=KERNEL)
        self.table = table
        self.file = module_file(self.tree)
        self.begin()

    def begin(self, build_id: bytes | None = None, srcversion: bytes = b"", count: int = 2,
              name: bytes = b"some_mod", following: int = HEAD) -> None:
        """A session; what is not told is as it is in real kernels."""
        host_image.reset()
        host_image.set_info(namelist=str(self.kernel), module_tree=str(self.tree))
        host_image.add_region(DATA_BASE, bytes(8192))
        host_image.add_symbol("modules", HEAD)
        host_image.add_symbol("thing", THING_AT, SIZE_OF_OWN)
        host_image.add_module("some_mod", THING_AT, 4096)
        host_image.write(HEAD, struct.pack("<QQ", MODULE_AT + LIST, MODULE_AT + LIST))
        host_image.write(MODULE_AT + LIST, struct.pack("<QQ", following, HEAD))
        host_image.write(MODULE_AT + NAME, name)
        if srcversion:
            host_image.write(MODULE_AT + SRCVERSION, struct.pack("<Q", TEXT_AT))
            host_image.write(TEXT_AT, srcversion)
        build_id = build_id_of(self.file) if build_id is None else build_id
        note = b"\4\0\0\0\x14\0\0\0\3\0\0\0GNU\0" + build_id
        other = b"\6\0\0\0\4\0\0\0\1\0\0\0Linux\0\0\0abcd"
        host_image.write(NOTE_AT, note + bytes(-len(note) % 64) + other)
        host_image.write(MODULE_AT + NOTES, struct.pack("<Q", NOTES_AT if build_id else 0))
        attrs = struct.pack("<QQQQ", 0, 0, len(other), NOTE_AT + 64) + \
            struct.pack("<QQQQ", 0, 0, len(note), NOTE_AT)
        start = struct.pack("<QQ", 0, TABLE_AT) if self.table else struct.pack("<QQ", 0, count)
        host_image.write(NOTES_AT, start + attrs)
        host_image.write(TABLE_AT, struct.pack("<QQQ", NOTES_AT + 16, NOTES_AT + 48, 0))


@pytest.fixture
def image(cache: Path, tmp_path: Path) -> Image:  # noqa: F811
    return Image(tmp_path)


def known(name: str = "struct own") -> bool:
    try:
        return bool(pykdump.type_size(name))
    except TypeError:
        return False


# -- what is found --

@pytest.mark.parametrize("table", [False, True])
def test_types_of_a_module_are_those_of_its_file(cache: Path, tmp_path: Path,  # noqa: F811
                                                 table: bool) -> None:
    image = Image(tmp_path, table)
    assert pykdump.module_file("some-mod") == ("fits", str(image.file), "")
    assert [(name, bits, kind) for name, bits, _width, kind, _size
            in pykdump.type_members("struct own")] == [
        ("inside", 0, "struct shared"), ("pointer", 256, "struct shared *"),
        ("twin", 320, "struct twin"), ("owner", 448, "struct module *"),
        ("nowhere", 512, "struct nowhere *"), ("size", 576, "size_t"), ("color", 640, "enum color"),
        ("other", 672, "enum other")]
    assert pykdump.type_enumerators("enum other") == {"OTHER": 7}
    assert pykdump.variable_type("thing") == "struct own"


def test_what_the_kernel_has_too_is_one_type(image: Image) -> None:
    own = pykdump.readSU("struct own", THING_AT)
    host_image.write(THING_AT + 32, struct.pack("<Q", THING_AT))
    host_image.write(THING_AT + 56, struct.pack("<Q", MODULE_AT))
    for value, name in ((own.inside, "shared"), (own.pointer, "shared"), (own.owner, "module"),
                        (own.inside.list, "list_head")):
        assert value.__class__ is pykdump.readSU(f"struct {name}", 0).__class__


def test_what_only_has_the_name_of_a_type_of_the_kernel_is_the_modules(image: Image) -> None:
    own = pykdump.readSU("struct own", THING_AT)
    assert len(own.twin) == 16 and len(pykdump.readSU("struct twin", 0)) == 4
    assert own.twin.__class__ is not pykdump.readSU("struct twin", 0).__class__


def test_a_second_session_reads_no_dwarf_until_it_is_needed(
        image: Image, cache: Path) -> None:  # noqa: F811
    assert known()
    assert (cache / f"{build_id_of(image.file).hex()}.index").is_file()
    image.begin()
    assert not known("struct missing") and known()


# -- whose file it is --

def test_a_file_of_another_build_is_told_once_and_not_used(
        image: Image, capfd: pytest.CaptureFixture[str]) -> None:
    image.begin(build_id=bytes(20))
    assert not known() and not known("struct missing")
    assert pykdump.variable_type("thing") is None
    assert capfd.readouterr().err == (
        f"mpykdump: debug files of 1 module are not used: {image.file} is of another build of "
        f"some_mod: its build ID is {build_id_of(image.file).hex()}, that of the module in the "
        f"dump {'00' * 20}\n")


@pytest.mark.parametrize("srcversion, release, fits", [
    (b"ABC", "0.0.0-image", True), (b"XYZ", "0.0.0-image", False), (b"", "0.0.0-image", True),
    (b"", "9.9", False)])
def test_without_build_id_the_srcversion_and_the_release_decide(
        image: Image, srcversion: bytes, release: str, fits: bool) -> None:
    image.file.unlink()
    module_file(image.tree, release=release, build_id="none")
    image.begin(build_id=b"", srcversion=srcversion)
    assert known() is fits
    assert pykdump.module_file("some_mod")[0] == ("fits" if fits else "foreign")


def test_a_file_of_another_module_is_none_of_this_one(image: Image, tmp_path: Path) -> None:
    other = module_file(tmp_path, "x.ko", text=MODULE.replace("some_mod", "some_other"))
    kind, _path, reason = pykdump.module_file("some_mod", str(other))
    assert kind == "foreign"
    assert reason == f"{other} is a file of the module some_other, not of some_mod"


def test_of_several_files_the_one_that_fits_is_taken(image: Image) -> None:
    (image.tree / "a").mkdir()
    (image.tree / "a" / "some_mod.ko.debug").write_bytes(b"what else")
    (image.tree / "a" / "some_mod.ko.xz").write_bytes(b"\xfd7zXZ\0 and so on")
    assert pykdump.module_file("some_mod") == ("fits", str(image.file), "")
    image.file.unlink()
    image.begin(build_id=bytes(20))
    kind, path, reason = pykdump.module_file("some_mod")
    assert kind == "unusable" and path is not None and path in reason


# -- damage --

@pytest.mark.parametrize("damage", [
    {"following": MODULE_AT + LIST}, {"following": 0}, {"following": 1 << 63 | 8},
    {"following": DATA_BASE + 8180}, {"count": 2**32 - 1}, {"name": b"x" * 56}, {"name": b"\0"},
    {"name": b"../../etc"}])
def test_a_damaged_list_costs_no_more_than_the_types(image: Image, damage: dict) -> None:
    image.begin(**damage)
    assert known() is ("name" not in damage)
    assert pykdump.type_size("struct twin") == 4


def test_a_note_that_lies_about_its_size_is_none(image: Image) -> None:
    for length in (0, 65, 2**31, 2**32 - 1):
        image.begin()
        host_image.write(NOTE_AT + 4, struct.pack("<I", length))
        assert known()          # by its name and release


def test_damaged_files_do_no_harm(image: Image) -> None:
    good = image.file.read_bytes()
    places = [at for start, size in sections(good) for at in range(start, start + size)]
    rng = random.Random(3)
    for turn in range(150):
        data = bytearray(good)
        if turn % 5 == 0:
            data = data[:rng.randrange(len(data))]
        else:
            for _ in range(rng.choice((1, 2, 8, 64))):
                at = rng.choice(places) if turn % 2 else rng.randrange(len(data))
                data[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
        image.file.unlink()
        image.file.write_bytes(data)
        image.begin(build_id=build_id_of(image.file))
        pykdump.module_file("some_mod")
        for name in ("struct own", "struct missing", "enum other"):
            ask_about(name)
        pykdump.variable_type("thing")
        assert pykdump.type_size("struct twin") == 4
