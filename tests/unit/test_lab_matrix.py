"""The matrix: which tests are run where, and what is told at its end."""

from pathlib import Path

import pytest

from tests.lab import LabError, matrix
from tests.lab.matrix import Counts, Row

REPORT = """<testsuites><testsuite name="pytest">
<testcase classname="tests.a" name="good"/>
<testcase classname="tests.a" name="told"><system-out>words</system-out></testcase>
<testcase classname="tests.a" name="bad"><failure/></testcase>
<testcase classname="tests.a" name="bad"><error/></testcase>
<testcase classname="tests.b" name="bad"><failure/><error/></testcase>
<testcase classname="tests.b" name="left out"><skipped/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize("tests, on_a_dump, anywhere", [
    (["tests"], ["tests/dump"], ["tests/unit", "tests/engine"]),
    (["tests/unit"], [], ["tests/unit"]),
    (["tests/dump/test_load.py", "tests/engine"], ["tests/dump/test_load.py"], ["tests/engine"]),
])
def test_what_needs_a_dump_is_told_apart(tests, on_a_dump, anywhere) -> None:
    assert matrix.split(tests) == (on_a_dump, anywhere)


def test_a_report_is_counted(tmp_path: Path) -> None:
    (tmp_path / "report").write_text(REPORT)
    assert matrix.counted(tmp_path / "report") == Counts(2, 2, 1)


@pytest.mark.parametrize("text", ["", "<testsuites/>", REPORT[:50],
                                  REPORT.replace("name=", "nom=")])
def test_a_report_that_is_none_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "report").write_text(text)
    with pytest.raises(LabError):
        matrix.counted(tmp_path / "report")


def test_only_tests_that_ran_and_passed_are_good() -> None:
    assert Row("s", counts=Counts(1, 0, 0)).good()
    for bad in (Row("s"), Row("s", counts=Counts(1, 1, 0)),
                Row("s", counts=Counts(1, 0, 0), note="x")):
        assert not bad.good()


def test_the_table_has_a_line_for_each_row() -> None:
    rows = [Row("trixie", "8.0.6", "3.13.5", "6.12.1", Counts(10, 2, 0)),
            Row("sid", note="no root")]
    assert matrix.table(rows).splitlines() == [
        "suite   crash  Python  kernel  passed  failed  skipped",
        "trixie  8.0.6  3.13.5  6.12.1  10      2       0",
        "sid     -      -       -       -       -       -        no root"]
