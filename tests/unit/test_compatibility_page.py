"""docs/compatibility.md: each row names a test that exists."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "compatibility.md"
HEAD = ["behaviour", "here", "test"]
CELL = re.compile(r"(?<!\\)\|")


def rows():
    """(line number, cells) of each row of a table."""
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in CELL.split(line)[1:-1]]
        if cells and cells != HEAD and set("".join(cells)) != {"-"}:
            yield number, cells


@functools.cache
def names_in(file):
    """Names of the tests in a file; none if there is no such file."""
    path = ROOT / "tests" / file
    if not path.is_file():
        return frozenset()
    return frozenset(node.name for node in ast.walk(ast.parse(path.read_text()))
                     if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def test_the_page_has_its_tables():
    assert len(list(rows())) > 150


@pytest.mark.parametrize("number, cells", [pytest.param(*row, id=f"line {row[0]}")
                                           for row in rows()])
def test_each_row_names_a_test_that_exists(number, cells):
    assert len(cells) == len(HEAD), f"line {number}: {len(cells)} cells"
    behaviour, here, test = cells
    assert behaviour and re.match(r"(same|mended)\b", here), f"line {number}: {here!r}"
    named = re.fullmatch(r"`([\w/]+\.py)::(test_\w+)`", test)
    assert named, f"line {number}: {test!r} is not `file::test_name`"
    assert named[2] in names_in(named[1]), f"line {number}: there is no test {test}"


def test_no_behaviour_is_told_twice():
    told = [cells[0] for _number, cells in rows()]
    assert sorted(set(told)) == sorted(told)
