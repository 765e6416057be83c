"""Owns colours on a terminal; where output goes elsewhere there are none.

Must not know what is coloured.
"""

from __future__ import annotations

import os
import sys

(BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, DARKGRAY, LIGHTRED, LIGHTGREEN, LIGHTYELLOW,
 LIGHTBLUE, LIGHTMAGENTA, LIGHTCYAN, LIGHTGRAY, WHITE, RESET) = range(1, 18)
MAX_COLOR = WHITE
BOLD, BLINK, UNDERLINE, INVERT = 0x100, 0x200, 0x400, 0x800
MIN_MODE, MAX_MODE = BOLD, INVERT
COLOR_MASK, MODE_MASK = 0xff, 0xff00

_ESCAPE = "\x1b["
_DARK = (BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, LIGHTGRAY)
_BRIGHT = (DARKGRAY, LIGHTRED, LIGHTGREEN, LIGHTYELLOW, LIGHTBLUE, LIGHTMAGENTA, LIGHTCYAN, WHITE)


def _sequences(first: int) -> dict[int, str]:
    sequences = {RESET: f"{_ESCAPE}0m"}
    for number, (dark, bright) in enumerate(zip(_DARK, _BRIGHT)):
        sequences[dark] = f"{_ESCAPE}{first + number}m"
        sequences[bright] = f"{_ESCAPE}{first + number};1m"
    return sequences


color_list = {**_sequences(30), BOLD: f"{_ESCAPE}1m", UNDERLINE: f"{_ESCAPE}4m",
              BLINK: f"{_ESCAPE}5m", INVERT: f"{_ESCAPE}7m"}
bg_color_list = _sequences(40)

# How cursor movements and clearing are named; the values are those of the sequences.
CURSOR_RESET, CURSOR_UP, CURSOR_DOWN, CURSOR_LEFT, CURSOR_RIGHT = "H", "A", "B", "D", "C"
CLEAR_AFTER, CLEAR_BEFORE, CLEAR_ALL = 0, 1, 2


def wanted() -> bool:
    """Are colours to be written: on a terminal, unless its owner does not want them.

    NO_COLOR in the environment, or TERM=dumb, says so (no-color.org).
    """
    return (sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
            and not os.environ.get("NO_COLOR"))


def get_color(color: int) -> str:
    """The sequence of a colour, with modes; "" for an unknown one or where none are wanted."""
    if not wanted():
        return ""
    modes = (mode for mode in (BOLD, BLINK, UNDERLINE, INVERT) if color & mode)
    return color_list.get(color & COLOR_MASK, "") + "".join(color_list[mode] for mode in modes)


def _write(sequence: str) -> None:
    if sequence and wanted():
        print(sequence, end="")


def set_color(color: int) -> None:
    """Print in this colour from here on."""
    _write(get_color(color))


def set_bg_color(color: int) -> None:
    """Print on this colour from here on."""
    _write(bg_color_list.get(color & COLOR_MASK, ""))


def change_cursor(type: str, by: int = 0) -> None:
    """Move the cursor; `type` is one of CURSOR_*."""
    _write(f"{_ESCAPE}{by or ''}{type}")


def cursor_reset() -> None:
    change_cursor(CURSOR_RESET)


def cursor_up(by: int = 1) -> None:
    change_cursor(CURSOR_UP, by)


def cursor_down(by: int = 1) -> None:
    change_cursor(CURSOR_DOWN, by)


def cursor_left(by: int = 1) -> None:
    change_cursor(CURSOR_LEFT, by)


def cursor_right(by: int = 1) -> None:
    change_cursor(CURSOR_RIGHT, by)


def set_cursor(x: int, y: int) -> None:
    """Put the cursor into column x of row y, from 1."""
    _write(f"{_ESCAPE}{y};{x}H")


def clear_screen_to(mode: int) -> None:
    """Clear the screen; `mode` is one of CLEAR_*."""
    _write(f"{_ESCAPE}{mode}J")


def clear_line_to(mode: int) -> None:
    """Clear the line; `mode` is one of CLEAR_*."""
    _write(f"{_ESCAPE}{mode}K")


def clear_screen() -> None:
    clear_screen_to(CLEAR_ALL)


def clear_screen_before() -> None:
    clear_screen_to(CLEAR_BEFORE)


def clear_screen_after() -> None:
    clear_screen_to(CLEAR_AFTER)


def clear_line() -> None:
    clear_line_to(CLEAR_ALL)


def clear_line_before() -> None:
    clear_line_to(CLEAR_BEFORE)


def clear_line_after() -> None:
    clear_line_to(CLEAR_AFTER)
