"""Colours for terminals, and none for anything else."""

import contextlib
import io

import pytest

from LinuxDump import crashcolor


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def written(monkeypatch):
    """A function: what is written while another runs, to a terminal or something else."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*actions, output=None):
        output = output or Terminal()
        with contextlib.redirect_stdout(output):
            for action in actions:
                action()
        return output.getvalue()
    return run


def colour(wanted):
    return lambda: crashcolor.set_color(wanted)


def test_a_colour_is_a_sequence_on_a_terminal(written):
    assert written(colour(crashcolor.RED), colour(crashcolor.LIGHTRED | crashcolor.BOLD),
                   colour(crashcolor.RESET)) == "\x1b[31m\x1b[31;1m\x1b[1m\x1b[0m"


def test_all_modes_are_emitted(written):
    assert written(colour(crashcolor.RED | crashcolor.INVERT | crashcolor.UNDERLINE)) \
        == "\x1b[31m\x1b[4m\x1b[7m"


def test_a_background_is_a_sequence_of_its_own(written):
    assert written(lambda: crashcolor.set_bg_color(crashcolor.RED)) == "\x1b[41m"
    assert crashcolor.bg_color_list[crashcolor.RESET] == "\x1b[0m"


def test_an_unknown_colour_is_none(written):
    assert written(colour(99)) == ""


@pytest.mark.parametrize("name, value", [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colours_gets_none(written, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert written(colour(crashcolor.RED), crashcolor.clear_screen) == ""


def test_nothing_is_written_where_there_is_no_terminal(written):
    assert written(colour(crashcolor.RED), lambda: crashcolor.set_cursor(1, 2),
                   output=io.StringIO()) == ""


def test_the_cursor_moves(written):
    assert written(crashcolor.cursor_up, lambda: crashcolor.cursor_right(3),
                   lambda: crashcolor.set_cursor(5, 7), crashcolor.clear_line_after) \
        == "\x1b[1A\x1b[3C\x1b[7;5H\x1b[0K"
