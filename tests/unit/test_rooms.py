"""The walls of docs/architecture.md: who may include and import whom."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BELOW = {
    "base": set(),
    "trace": {"base"},
    "host": {"base"},
    "memory": {"base", "host"},
    "symbols": {"base", "host"},
    "types": {"base", "host", "symbols"},
    "walkers": {"base", "host", "memory", "symbols", "types"},
    "stacks": {"base", "host", "memory", "symbols", "types", "walkers"},
    "objects": {"base", "host", "memory", "symbols", "types", "walkers", "stacks", "trace"},
    "epython": {"base", "host", "memory", "symbols", "types", "walkers", "stacks", "objects",
                "trace"},
    "stub": {"epython"},
}
SOURCES = [path for pattern in ("*.c", "*.h", "*.cc")
           for path in (ROOT / "extension").rglob(pattern)]


def includes(path):
    return re.findall(r'#\s*include\s*[<"]([^>"]+)[>"]', path.read_text())


def imports(path):
    """The names of modules that a file imports at its top level."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


@pytest.mark.parametrize("room", BELOW)
def test_a_room_of_the_extension_includes_only_rooms_below(room):
    for path in SOURCES:
        if path.parent.name == room:
            rooms = {name.split("/")[0] for name in includes(path) if "/" in name} & BELOW.keys()
            assert rooms <= BELOW[room] | {room}, path


def test_only_the_door_knows_crashs_header():
    assert {path.parent.name for path in SOURCES
            if "crash/defs.h" in includes(path)} == {"host"}


def test_only_the_upper_rooms_know_python():
    assert {path.parent.name for path in SOURCES
            if "Python.h" in includes(path)} <= {"objects", "epython"}


def test_the_framework_does_not_know_the_kernel_or_programs():
    for path in (ROOT / "pylib" / "pykdump").rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & {"LinuxDump", "progs"}, path


def test_kernel_knowledge_does_not_know_programs():
    programs = {path.stem for path in (ROOT / "progs").glob("*.py")}
    for path in (ROOT / "pylib" / "LinuxDump").rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & programs, path


def test_lengths_of_arrays_are_constants():
    """Python's own macro is none since 3.13: base/length.h has one."""
    assert not [path for path in SOURCES if "Py_ARRAY_LENGTH" in path.read_text()]
