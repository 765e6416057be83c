"""The log of problems and its summary."""

import pytest

from pykdump.logging import PyLog, pylog


@pytest.fixture(autouse=True)
def empty_log():
    pylog.cleanup()
    yield
    pylog.cleanup()


SUMMARY = f"""
{'*' * 78}
{' A Summary Of Problems Found '.center(78, '*')}
{'*' * 78}
{' Some crash built-in commands did not complete within timeout '.center(78, '-')}
    bt -a
  The output above may lack what these commands had to say.
  Run your command again with a bigger timeout, e.g. add
     --timeout=1200
  to run with timeout of 1200s
{' A list of all +++WARNING+++ messages '.center(78, '-')}
    w1
    w2
{' A list of all +++ERROR+++ messages '.center(78, '-')}
    e 1
{'-' * 78}
"""


def test_problems_are_shown_at_once_and_once_more_in_the_summary(capsys):
    pylog.warning("w1")
    pylog.warning("w1")
    pylog.error("e", 1)
    pylog.warning_onexit("w2")
    pylog.timeout("bt -a")
    assert capsys.readouterr().out == "+++WARNING+++ w1\n+++WARNING+++ w1\n+++ERROR+++ e 1\n"
    pylog.print_summary()
    assert capsys.readouterr().out == SUMMARY


def test_without_problems_there_is_no_summary(capsys):
    pylog.print_summary()
    assert capsys.readouterr().out == ""


def test_notes_are_printed_at_the_end_and_are_not_problems(capsys):
    pylog.info("tainted")
    pylog.info("old")
    assert capsys.readouterr().out == ""
    pylog.print_summary()
    line = "~" * 78
    assert capsys.readouterr().out.splitlines() == [
        "", " Additional Info ".center(78, "~"), "    tainted", line, "    old", line]


def test_silent_messages_are_only_for_who_asks(capsys):
    pylog.silenterror("quiet")
    pylog.print_summary()
    assert capsys.readouterr().out == ""
    assert pylog.getsilent() == ["quiet"]
    assert pylog.getsilent() == []


def test_all_instances_share_the_messages():
    PyLog().warning_onexit("w")
    assert pylog._warnings == ["w"]
    pylog.cleanup()
    assert PyLog()._warnings == []
