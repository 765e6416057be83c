"""Types of modules from their debug files: found by themselves, loaded, refused.

Each kernel is looked at twice: with all sources of types, of which the modules' BTF in the dump
comes first, and with DWARF alone.
"""

import gzip
import json
import re
import shutil

import pytest

from tests.dump.harness import Crash, untimed

MEMBERS = """
import _pykdump, json, sys
print(json.dumps({name: [[m[0], m[1], m[2], m[4]] for m in _pykdump.type_members(f"struct {name}")]
                  for name in sys.argv[1:]}))
"""
# of xfs, btrfs, dm-mod, zram and loop, which all kernels have
STRUCTS = ("xfs_mount", "xfs_inode", "btrfs_fs_info", "btrfs_inode", "mapped_device", "dm_table",
           "zram", "loop_device", "xfs_buf", "ovl_fs")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where the sessions keep what they know of files."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def dwarf_crash(storage_dump, debug_files, plugin, cache, tmp_path_factory):
    """A session that takes all types from DWARF."""
    session = Crash(storage_dump, tmp_path_factory.mktemp("dwarf"), PYKDUMP_TYPES="dwarf",
                    XDG_CACHE_HOME=str(cache))
    session.run(f"extend {plugin}")
    yield session
    session.close()


@pytest.fixture
def elsewhere(storage_dump, debug_files, plugin, cache, tmp_path):
    """The same, with a folder of files of modules that is empty."""
    folder = tmp_path / "tree"
    folder.mkdir()
    session = Crash(storage_dump, tmp_path, PYKDUMP_TYPES="dwarf", XDG_CACHE_HOME=str(cache),
                    CRASH_MODULE_PATH=str(folder))
    session.run(f"extend {plugin}")
    yield session, folder
    session.close()


def other_build(debug_files, name, where):
    """A copy of a module's debug file with another build ID."""
    data = bytearray((debug_files / f"{name}.ko").read_bytes())
    at = data.index(b"\4\0\0\0\x14\0\0\0\3\0\0\0GNU\0") + 16
    data[at:at + 20] = bytes(range(20))
    copy = where / f"{name}.ko"
    copy.write_bytes(data)
    return copy


EXISTS = "from pykdump.API import *\nprint(struct_exists('struct xfs_mount'))\n"


# -- found by themselves --

def test_dwarf_of_modules_says_what_btf_says(storage_crash, dwarf_crash):
    ours = json.loads(dwarf_crash.epython(MEMBERS, " ".join(STRUCTS)))
    assert ours == json.loads(storage_crash.epython(MEMBERS, " ".join(STRUCTS)))
    assert all(len(members) > 5 for members in ours.values())


def test_members_are_where_crash_sees_them(dwarf_crash, debug_files):
    dwarf_crash.run(f"mod -s xfs {debug_files}/xfs.ko")
    theirs = re.findall(r"^ +\[(\d+)\] .*?(\w+)(?:\[\d+\])*;$",
                        dwarf_crash.run("struct -o xfs_mount"), re.M)
    dwarf_crash.run("mod -d xfs")
    ours = {name: bits // 8 for name, bits, _width, _size
            in json.loads(dwarf_crash.epython(MEMBERS, "xfs_mount"))["xfs_mount"]}
    assert len(theirs) > 50
    assert {name: int(at) for at, name in theirs if name in ours} \
        == {name: at for name, at in ours.items() if name in {row[1] for row in theirs}}


@pytest.mark.parametrize("session", ["storage_crash", "dwarf_crash"])
def test_values_behind_types_of_modules(request, session, debug_files):
    text = request.getfixturevalue(session).epython("""
from pykdump.API import *
from LinuxDump.fs.superblocks import *
for sb in all_superblocks()[0]:
    if operations(sb) == "xfs_super_operations":
        mount = readSU("struct xfs_mount", sb.s_fs_info)
        # a struct that both have is the kernel's
        print(mount.m_super == sb, type(mount.m_super) is type(sb), mount.m_sb.sb_magicnum)
""")
    assert set(text.splitlines()) == {f"True True {int.from_bytes(b'XFSB', 'big')}"}


@pytest.mark.parametrize("session", ["storage_crash", "dwarf_crash"])
def test_variables_of_modules_have_types(request, session, storage_dump):
    devices = storage_dump.oracle["text"]["proc/devices"].partition("Block")[2]
    major = re.search(r"^ *(\d+) zram$", devices, re.M)[1]
    assert request.getfixturevalue(session).epython(
        "from pykdump.API import *\nprint(readSymbol('zram_major'))\n") == f"{major}\n"


def test_an_index_of_each_is_kept_by_its_build_id(dwarf_crash, cache):
    dwarf_crash.epython(EXISTS)
    build_ids = {module["build_id"] for module
                 in json.loads(untimed(dwarf_crash.run("modinfo --json")))["modules"]}
    kept = {path.stem for path in (cache / "mpykdump" / "dwarf").glob("*.index")}
    assert build_ids <= kept


# -- loaded, and refused --

def test_a_type_is_known_once_its_file_is_loaded(elsewhere, debug_files):
    session, _folder = elsewhere
    assert session.epython(EXISTS) == "False\n"
    session.run(f"mod -s xfs {debug_files}/xfs.ko")
    assert session.epython(EXISTS) == "True\n"


def test_load_module_finds_the_file_and_says_so(elsewhere, debug_files):
    session, folder = elsewhere
    load = ("from pykdump.API import *\n"
            "print(loadModule('xfs'), struct_exists('struct xfs_mount'))\n")
    shutil.copy(debug_files / "xfs.ko", folder / "xfs.ko.debug")
    assert session.epython(load) == "True True\n"
    assert f"{folder}/xfs.ko.debug" in session.run("mod")


@pytest.mark.parametrize("spoil, reason", [
    (lambda files, where: other_build(files, "xfs", where),
     r"{file} is of another build of xfs: its build ID is 000102\w+, "
     r"that of the module in the dump \w+"),
    (lambda files, where: shutil.copy(files / "btrfs.ko", where / "xfs.ko"),
     "{file} is a file of the module btrfs, not of xfs"),
    (lambda files, where: (where / "xfs.ko.gz").write_bytes(
        gzip.compress((files / "xfs.ko").read_bytes(), 1)),
     "{file} is compressed, which is not supported: unpack it with gzip -d"),
    (lambda files, where: (where / "xfs.ko").write_text("what else"),
     "{file} is not the file of a module")])
def test_a_file_that_does_not_belong_is_refused_in_one_line(elsewhere, debug_files, spoil, reason,
                                                            tmp_path):
    session, _folder = elsewhere
    where = tmp_path / "bad"
    where.mkdir()
    spoil(debug_files, where)
    (file,) = where.iterdir()
    text = session.epython("from pykdump.API import *\n"
                           f"print(loadModule('xfs', {str(file)!r}), "
                           "struct_exists('struct xfs_mount'))\n")
    first, last = text.splitlines()
    assert re.fullmatch(f"loadModule: {reason.format(file=re.escape(str(file)))}", first)
    assert last == "False False"
    assert str(file) not in session.run("mod")


def test_what_crash_was_given_wrongly_is_told_and_not_used(elsewhere, debug_files, tmp_path):
    session, _folder = elsewhere
    file = other_build(debug_files, "xfs", tmp_path)
    session.run(f"mod -s xfs {file}")
    told, known = session.epython(EXISTS).splitlines()
    assert told.startswith(f"mpykdump: not used for types: {file} is of another build of xfs: ")
    assert known == "False"
    assert session.epython(EXISTS) == "False\n"


def test_many_files_of_another_build_are_one_line(elsewhere, debug_files):
    session, folder = elsewhere
    for name in ("xfs", "loop"):
        other_build(debug_files, name, folder)
    told, known = session.epython(EXISTS).splitlines()
    assert told.startswith("mpykdump: debug files of 2 modules are not used: ")
    assert known == "False"
    assert session.epython(EXISTS) == "False\n"


def test_a_file_that_ends_too_early_costs_its_types_only(elsewhere, debug_files):
    session, folder = elsewhere
    whole = (debug_files / "xfs.ko").read_bytes()
    (folder / "xfs.ko").write_bytes(whole[:len(whole) // 2])
    shutil.copy(debug_files / "zram.ko", folder)
    assert session.epython(
        "from pykdump.API import *\n"
        "print(struct_exists('struct xfs_mount'), struct_exists('struct zram'))\n"
    ).splitlines()[-1] == "False True"


# -- modinfo --

def test_modinfo_tells_whether_the_debug_file_is_the_modules(elsewhere, debug_files):
    session, folder = elsewhere
    shutil.copy(debug_files / "loop.ko", folder)
    other = other_build(debug_files, "xfs", folder)
    text = session.run("modinfo -l")
    assert f", debug information not loaded, debug file {folder}/loop.ko matches\n" in text
    assert f", debug information not loaded, debug file {other} is of another build\n" in text
    assert ", debug information not loaded, no debug file found\n" in text
    assert f"\ndebug file      : {folder}/loop.ko matches\n" \
        in session.run("modinfo --details=loop")
    told = {each["name"]: (each["debug_file"], each["debug_file_verdict"]) for each
            in json.loads(untimed(session.run("modinfo --json")))["modules"]}
    assert told["loop"] == (f"{folder}/loop.ko", "matches")
    assert told["zram"] == (None, "no debug file found")
