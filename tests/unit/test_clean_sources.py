"""Our own sources are clean on every Python that may run them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("pylib", "progs", "extension", "docs/examples")
                 for path in (ROOT / folder).rglob("*.py"))
COMPILE_ALL = """
import sys, warnings
warnings.simplefilter("error")
for path in sys.stdin.read().split("\\n"):
    with open(path, "rb") as stream:
        compile(stream.read(), path, "exec", dont_inherit=True)
"""


def pythons():
    """Each python3 of this machine that is 3.11 or later, once."""
    places = [*os.environ["PATH"].split(":"), *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    found = {Path(sys.executable).resolve()}
    for place in places:
        for file in Path(place).glob("python3.*"):
            number = re.fullmatch(r"python3\.(\d+)", file.name)
            if number and int(number[1]) >= 11 and "shims" not in file.parts:
                found.add(file.resolve())
    return sorted(found)


@pytest.mark.parametrize("python", pythons(), ids=str)
def test_our_sources_compile_without_a_warning(python):
    done = subprocess.run([python, "-I", "-c", COMPILE_ALL], text=True, capture_output=True,
                          input="\n".join(map(str, SOURCES)), check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_our_sources_use_nothing_that_later_pythons_do_not_have():
    from pykdump.legacy import modules, names
    from pykdump.legacy.uses import Uses
    old = {(owner.rpartition(".")[2], name) for owner, moved in names.MOVED.items()
           if ":" not in owner for name in moved}
    gone = modules.ALIASES.keys() | modules.INSTEAD.keys()
    for path in SOURCES:
        uses = Uses(path.read_bytes(), str(path))
        assert not uses.pairs & old, path
        assert not uses.modules & gone, path


def test_the_page_about_old_programs_names_everything():
    from pykdump.legacy import modules, names, py2builtins
    page = (ROOT / "docs" / "old-programs.md").read_text()
    known = [*modules.ALIASES, *modules.INSTEAD, *py2builtins.NAMES,
             *(name for moved in names.MOVED.values() for name in moved)]
    assert not [name for name in known if f"`{name}`" not in page]
