"""The REPL's parts that need no dump: the file of its history, and texts that become code."""

import os
import stat

import pytest

from pykdump.repl import cells, history


@pytest.fixture
def file(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "mpykdump" / "repl_history"


def typed(*lines):
    """Remember lines in a session's history; those of the next session."""
    with history.History(keep=True) as session:
        for line in lines:
            session._add(session._readline, line)
    with history.History(keep=True) as session:
        return session.lines()


def test_lines_are_those_of_the_next_session(file):
    assert typed("one = 1", "one = 1", "  ", "two") == ["one = 1", "two"]
    assert typed("three") == ["one = 1", "two", "three"]


def test_the_file_is_private_even_if_it_was_not(file):
    typed("one")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    file.chmod(0o644)
    typed("two")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_stays_of_bounded_size(file):
    typed("one")
    file.write_text("".join(f"line {number}\n" for number in range(11_000)))
    assert typed()[0] == "line 6000"
    assert len(file.read_text().splitlines()) == 5_000
    file.write_bytes(b"x" * (3 << 20) + b"\nlast\n")
    assert typed()[-1] == "last" and file.stat().st_size <= 1 << 20


def test_what_is_in_the_file_does_nothing_to_the_terminal(file):
    typed("one")
    file.write_bytes(b"\x1b]0;title\x07\x1b[2J good\n\xff\x00bad\n\ttab\n")
    assert typed() == ["]0;title[2J good", "\ufffdbad", "    tab"]


@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/etc/passwd", path)],
    ids=["fifo", "folder", "symlink"])
def test_what_is_no_file_is_left_alone_and_told_once(file, capsys, make):
    file.parent.mkdir(parents=True)
    make(file)
    before = os.lstat(file)
    assert typed("one", "two") == []
    told = capsys.readouterr().out
    assert told.count("the history cannot be read, this session's is not kept") == 2
    assert os.lstat(file) == before


def test_a_folder_that_cannot_be_made_is_told_once_for_a_session(file, capsys):
    file.parent.parent.write_text("a file")
    typed("one", "two", "three")
    assert capsys.readouterr().out.count("cannot be") == 2


def test_what_others_have_in_line_editing_is_theirs_again(file):
    import readline
    readline.clear_history()
    readline.add_history("a debugger's")
    typed("one")
    assert readline.get_current_history_length() == 1
    assert readline.get_history_item(1) == "a debugger's"
    readline.clear_history()


# -- code --

def run(text):
    names = {}
    for code in cells.Cells().compiled(text):
        exec(code, names)
    return names


def test_several_statements_are_several_codes():
    assert run("a = 1\nfor i in range(3):\n    a += i\nb = a")["b"] == 4


@pytest.mark.parametrize("text", ["def f():", "x = (1,", "for i in x:\n    pass", "'''open",
                                  "if x:\n    pass\nelse:"])
def test_what_is_not_complete_is_waited_for(text):
    assert cells.Cells().compiled(text) is None


@pytest.mark.parametrize("text, error", [
    ("if:", SyntaxError), ("'open", SyntaxError), ("a = 1\nb = = 2", SyntaxError),
    ("x = '\0'", (SyntaxError, ValueError)), ("-" * 100_000 + "1", (MemoryError, RecursionError)),
    (")", SyntaxError), ("def f():\nreturn", SyntaxError)])
def test_what_is_no_python_is_an_error(text, error):
    with pytest.raises(error):
        cells.Cells().compiled(text)


def test_what_the_future_brings_holds_for_later_texts():
    later = cells.Cells()
    names = {}
    for text in ("from __future__ import annotations", "def f(x: nothere): pass",
                 "def g(x: nothere): pass\ndef h(x: nothere): pass"):
        for code in later.compiled(text + "\n"):
            exec(code, names)
    assert names["h"].__annotations__ == {"x": "nothere"}
