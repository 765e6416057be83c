"""README tells the truth about packages and targets."""

import re
from pathlib import Path

import pytest

from tests.lab import packages

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("package", sorted(
    {package for table in packages.TABLE.values() for package in table}))
def test_every_package_that_is_installed_is_named(package):
    assert f"`{package}`" in README


def test_every_target_that_is_named_exists():
    makefiles = [ROOT / "Makefile", *(ROOT / "tests").glob("*.mk")]
    targets = {target for path in makefiles
               for target in re.findall(r"^([\w-]+):", path.read_text(), re.MULTILINE)}
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= targets
