"""The stubs tell what is there: each name, its kind, its arguments and their defaults."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ALLOWED = r"""
# of session.start
crash\.exec_epython_command

# the C side of attributes has no such method, and hides nothing
.*\.StructResult\.__getattr__

# protocols that are no methods: of buffers before Python 3.12, of sequences
_pykdump\.Column\.__(buffer|iter)__

# structseq has these for itself
_pykdump\.\w+\.(n_\w+|__match_args__)

# stand-ins for modules of Python's library
pykdump\.legacy.*

# said without importing typing
pykdump(\.\w+)+\.TYPE_CHECKING
"""
# of functools.cached_property, which mypy 1.0 does not see as one
PROPERTY = "cannot reconcile @property on stub with runtime object"


def types_for_checkers():
    """Aliases of types that are defined `if TYPE_CHECKING`, so not at run time."""
    for path in (ROOT / "pylib").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT / "pylib").with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                yield from (f"{module}.{target.id}" for each in node.body
                            if isinstance(each, ast.Assign) for target in each.targets)


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    subprocess.run(["make", "-s", "stubs"], cwd=ROOT, check=True)
    folder = tmp_path_factory.mktemp("tests") / "stubs"
    shutil.copytree(ROOT / "build/stubs", folder)
    (folder / "allowed").write_text("\n".join([ALLOWED, *types_for_checkers()]))
    (folder / "setup.cfg").write_text("[mypy]\n")
    return folder


def differences(stubs, *modules):
    told = subprocess.run(
        [sys.executable, "-m", "tests.engine.as_loaded", "--concise",
         "--allowlist", stubs / "allowed", "--ignore-unused-allowlist",
         "--mypy-config-file", stubs / "setup.cfg", *modules],
        cwd=ROOT, env={**os.environ, "MYPYPATH": str(stubs)}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    lines = told.stdout.splitlines()
    return [line for line in lines if not line.endswith(PROPERTY)]


@pytest.mark.parametrize("module", ["crash", "_pykdump", "pykdump", "LinuxDump"])
def test_a_module_and_its_stub_do_not_differ(module, stubs):
    assert differences(stubs, module) == []


def test_a_function_that_a_stub_lacks_is_told(stubs):
    stub = stubs / "crash.pyi"
    whole = stub.read_text()
    stub.write_text(whole.replace("def readPtr", "def readPointer"))
    try:
        assert differences(stubs, "crash") == [
            "crash.readPointer is not present at runtime", "crash.readPtr is not present in stub"]
    finally:
        stub.write_text(whole)
