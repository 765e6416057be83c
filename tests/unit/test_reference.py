"""The stubs and the reference have what programs may use, and say what it does."""

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

from tests.dump.test_compat_api import NAMES

ROOT = Path(__file__).resolve().parents[2]
# What a docstring says at least.
FEWEST_WORDS = 2


def run(*command, **environment):
    """What a command prints; the test fails with that when the command does."""
    result = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        pytest.fail(f"{' '.join(command)}:\n{result.stdout}")
    return result.stdout


@pytest.fixture(scope="module")
def reference():
    """Every name that the built site has a place for."""
    run("make", "-s", "docs")
    with open(ROOT / "build/docs/html/objects.inv", "rb") as file:
        inventory = InventoryFile.load(file, "", lambda _base, place: place)
    return {name for role, names in inventory.items() if role.startswith("py:") for name in names}


@pytest.fixture(scope="module")
def stubs():
    """Module name -> syntax tree of its stub."""
    run("make", "-s", "stubs")
    folder = ROOT / "build/stubs"
    return {".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"):
            ast.parse(path.read_text()) for path in folder.rglob("*.pyi")}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Where `make install` has put the stubs."""
    place = tmp_path_factory.mktemp("root")
    run("make", "-s", "install", f"DESTDIR={place}")
    return place / "usr/share/mpykdump/stubs"


def source_names(path):
    """The names that a module defines, hidden ones too, and those it lists."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each.id for each in targets if isinstance(each, ast.Name)]
            if "TypeVar" not in ast.unparse(node):
                yield from names
            if names == ["__all__"] and isinstance(node.value, (ast.Tuple, ast.List)):
                yield from ast.literal_eval(node.value)


def definitions(body, prefix):
    """(name, node) of the functions and classes of a stub, methods too."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield f"{prefix}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from definitions(node.body, f"{prefix}.{node.name}")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_programs_of_the_field_use_is_in_the_reference(name, reference):
    assert f"pykdump.API.{name}" in reference


@pytest.mark.parametrize("package", ["pykdump", "LinuxDump"])
def test_every_public_name_of_every_module_is_in_the_reference(package, reference):
    missing = []
    for path in (ROOT / "pylib" / package).rglob("*.py"):
        if path.parent.name == "legacy":
            continue            # stand-ins for modules of Python's library
        parts = path.relative_to(ROOT / "pylib").with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        missing += [f"{module}.{name}" for name in source_names(path)
                    if not name.startswith("_") and name != "TYPE_CHECKING"
                    and f"{module}.{name}" not in reference]
    assert missing == []


@pytest.mark.parametrize("module", ["crash", "_pykdump"])
def test_every_name_of_the_modules_in_c_is_in_the_reference(module, stubs, reference):
    names = {f"{module}.{node.target.id}" for node in stubs[module].body
             if isinstance(node, ast.AnnAssign)}
    names |= {name for name, _node in definitions(stubs[module].body, module)}
    assert len(names) > 60
    assert names - reference == set()


@pytest.mark.parametrize("package", ["crash", "_pykdump", "pykdump"])
def test_every_function_and_class_says_what_it_does(package, stubs):
    texts = {}      # of several signatures one has it
    for module, tree in stubs.items():
        if module.partition(".")[0] == package:
            for name, node in definitions(tree.body, module):
                owner = name.removeprefix(module + ".").partition(".")
                # what a class of the framework's own has is its maker's affair
                if package != "pykdump" or not owner[1] or owner[0] in NAMES:
                    texts[name] = texts.get(name, "") + (ast.get_docstring(node) or "")
    assert texts
    assert [name for name, text in texts.items() if len(text.split()) < FEWEST_WORDS] == []


def test_a_type_checker_knows_the_type_of_every_name_of_the_api(installed, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("from pykdump.API import *\n"
                       + "".join(f"reveal_type({name})\n" for name in NAMES))
    told = run(sys.executable, "-m", "mypy", "--config-file=", "--cache-dir",
               str(tmp_path / "cache"), str(program), MYPYPATH=str(installed))
    types = dict(zip(NAMES, re.findall(r'Revealed type is "(.*)"', told)))
    assert len(types) == len(NAMES)
    assert [name for name, kind in types.items() if kind in ("Any", "builtins.object")] == []


def test_a_type_checker_finds_a_mistake_in_a_program(installed, tmp_path):
    program = tmp_path / "program.py"
    program.write_text('from pykdump.API import *\n'
                       'for task in readSUListFromHead("init_task", "tasks"):\n'
                       '    print(task.pid, addr2sym("x"))\n')
    result = subprocess.run([sys.executable, "-m", "mypy", "--config-file=", "--cache-dir",
                             str(tmp_path / "cache"), str(program)],
                            env={**os.environ, "MYPYPATH": str(installed)}, text=True,
                            stdout=subprocess.PIPE)
    assert 'Missing positional argument "sname"' in result.stdout
    assert 'No overload variant of "addr2sym"' in result.stdout


def test_what_is_installed_is_marked_as_typed(installed):
    assert {path.name for path in installed.iterdir()} \
        == {"crash.pyi", "_pykdump.pyi", "pykdump", "LinuxDump"}
    assert (installed / "pykdump/py.typed").exists() and (installed / "LinuxDump/py.typed").exists()


# -- the maker of stubs --

@pytest.fixture
def stub_of(tmp_path, monkeypatch):
    """A function: the stub of a source."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    monkeypatch.chdir(ROOT)
    stubs = importlib.import_module("stubs")

    def make(source):
        path = tmp_path / "module.py"
        path.write_text(source)
        return stubs.Module(path, stubs.infer({"module": path}, ROOT)["module"]).text()

    return make


def test_a_stub_keeps_signatures_and_texts_and_no_code(stub_of):
    assert stub_of('"""Text."""\nimport os\n\n_SIZE = 1 << 4\n\n'
                   'def size(path: str, *, least: int = _SIZE) -> int:\n'
                   '    """Bytes of a file."""\n    return os.stat(path).st_size\n') \
        == ('"""Text."""\n\ndef size(path: str, *, least: int=16) -> int:\n'
            '    """Bytes of a file."""\n')


def test_what_is_hidden_is_kept_where_a_type_needs_it(stub_of):
    text = stub_of("class _Made:\n    x = 1\n\nclass _Other:\n    pass\n\n"
                   "def make() -> _Made: ...\n")
    assert "class _Made" in text and "_Other" not in text


def test_types_that_a_source_does_not_write_are_inferred(stub_of):
    text = stub_of("import os\nimport re\n\nWORD = re.compile('x')\nFOLDER = os.environ.get('X')\n"
                   "NAMES = tuple('ab')\nLOW, HIGH = 1, 'x'\nLIMIT = 1 << 20\nfind = WORD.match\n"
                   "search = re.search\n\nclass Place:\n"
                   "    def __init__(self, name: str) -> None:\n"
                   "        self.name = name\n        self.seen = [self.name]\n")
    assert text.count("import re\n") == 1
    for line in ("WORD: re.Pattern[str]", "FOLDER: str | None", "NAMES: tuple[str, ...]",
                 "LOW: int", "HIGH: str", "LIMIT: int = 1048576", "    name: str",
                 "from re import search as search", "    seen: list[str]"):
        assert f"\n{line}\n" in f"\n{text}"


def test_several_names_of_one_function_stay_that(stub_of):
    assert stub_of("def one(x: int) -> int: ...\n\ntwo = one\n").endswith("two = one\n")
