"""Owns the search for words, bytes and regular expressions in kernel memory.

Pages that cannot be read are skipped and counted.  Must not know what the memory is used for.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator

import _pykdump

_RUN_PAGES = 1024       # read at once for a regular expression
_OVERLAP = 4096         # bytes in which a match may reach into the next run
_PATIENCE = 1.0         # seconds before progress is shown

Range = tuple[int, int]


class Matches(list[int]):
    """Addresses, ascending, and what they cost.

    `complete` is False when `limit` ended the search.  `pages` were searched, `excluded` were
    left out when the dump was written, `skipped` were unreadable for another reason.
    """

    def __init__(self) -> None:
        super().__init__()
        self.complete = True
        self.pages = self.excluded = self.skipped = 0

    def take(self, found: Iterable[int], complete: bool, pages: int, excluded: int,
             skipped: int) -> None:
        """Add what one search has found."""
        self.extend(found)
        self.complete &= complete
        self.pages += pages
        self.excluded += excluded
        self.skipped += skipped


def kernel_ranges(*names: str) -> list[Range]:
    """The ranges of kernel addresses of these names, of "direct map", "vmalloc", "vmemmap",
    "kernel" and "modules"; ValueError for another name."""
    known = {name: (start, end) for start, end, name in _pykdump.ranges()}
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(f"no range {missing[0]!r}: there are {', '.join(map(repr, known))}")
    return [known[name] for name in names]


def search_memory(what: int | bytes | str | re.Pattern[bytes], *,
                  ranges: Iterable[Range] | None = None, size: int = 8, mask: int | None = None,
                  limit: int = 10000) -> Matches:
    """Find a word, bytes, text or a regular expression of bytes.

    A word has `size` bytes (2, 4, 8) and is aligned; with `mask` only those bits are compared.
    The ranges default to the direct map: all memory, once.
    """
    matches = Matches()
    for start, end in ranges if ranges is not None else kernel_ranges("direct map"):
        left = limit - len(matches)
        with _Progress(start, end) as progress:
            if isinstance(what, int):
                bits = (1 << 8 * size) - 1 if mask is None else mask
                matches.take(*_pykdump.search_words(start, end, what & bits, bits, size, left,
                                                    progress))
            elif isinstance(what, re.Pattern):
                _search_pattern(what, start, end, left, matches, progress)
            else:
                needle = what.encode() if isinstance(what, str) else what
                matches.take(*_pykdump.search_bytes(start, end, needle, left, progress))
        if not matches.complete:
            break
    return matches


def _search_pattern(pattern: re.Pattern[bytes], start: int, end: int, limit: int,
                    matches: Matches, progress: Callable[[int], None]) -> None:
    last = -1
    found: list[int] = []
    for address, text in _runs(start, end, matches, progress):
        for match in pattern.finditer(text):
            at = address + match.start()
            if at <= last or not start <= at < end:
                continue            # seen in the overlap with the run before
            if len(found) == limit:
                matches.take(found, False, 0, 0, 0)
                return
            found.append(at)
            last = at
    matches.take(found, True, 0, 0, 0)


def _runs(start: int, end: int, matches: Matches,
          progress: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
    """Readable memory piece by piece; a piece that continues another repeats its end."""
    tail_end, tail = -1, b""
    address = start
    while address < end:
        address, text, excluded, skipped = _pykdump.readable_run(address, end, _RUN_PAGES)
        matches.take((), True, len(text) // 4096, excluded, skipped)
        if not text:
            break
        head = tail if tail_end == address else b""
        yield address - len(head), head + text
        address += len(text)
        tail_end, tail = address, text[-_OVERLAP:]
        progress(address)


class _Progress:
    """Shows on a terminal how far a long search has come."""

    def __init__(self, start: int, end: int) -> None:
        self._start = start
        self._size = max(end - start, 1)
        self._began = time.monotonic()
        self._shown = False

    def __enter__(self) -> Callable[[int], None]:
        return self._update

    def __exit__(self, *_error: object) -> None:
        if self._shown:
            os.write(2, b"\r\x1b[K")

    def _update(self, address: int) -> None:
        if time.monotonic() - self._began > _PATIENCE and os.isatty(2):
            self._shown = True
            share = 100 * (address - self._start) // self._size
            os.write(2, f"\rsearching 0x{address:x} ({share} %)\x1b[K".encode())
