"""What of names and messages may be shown."""

import pytest

from pykdump.plaintext import one_line, printable


@pytest.mark.parametrize("text", ["", "kworker/0:1H-kblockd", "a name with blanks", "é ж 漢",
                                  r"back\slash \x1b"])
def test_ordinary_text_stays_as_it_is(text):
    assert one_line(text) == printable(text) == text


@pytest.mark.parametrize("text, shown", [
    ("\x1b[31mred", r"\x1b[31mred"), ("\x00\x7f", r"\x00\x7f"),
    ("\x9b31m", r"\x9b31m"),            # begins sequences as well, on terminals of eight bits
    ("exe\u202egpj", r"exe\u202egpj"),  # what follows is shown from right to left
    ("\r\x0b\x85\u2028", r"\r\x0b\x85\u2028"), ("\ud800", r"\ud800")])
def test_what_a_terminal_obeys_is_written_out(text, shown):
    assert one_line(text) == printable(text) == shown


def test_only_text_of_several_lines_keeps_its_lines_and_tabs():
    assert one_line("one\n\ttwo") == r"one\n\ttwo"
    assert printable("one\n\ttwo\x1b") == "one\n\ttwo\\x1b"


def test_what_is_no_text_is_shown_as_text():
    assert one_line(KeyError("a\nb")) == r"'a\nb'"
