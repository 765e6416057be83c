"""`distutils.version`: comparing releases of kernels and packages."""

from __future__ import annotations

import functools
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Version", "LooseVersion", "StrictVersion"]

_PIECES = re.compile(r"\d+|[a-z]+|[^\da-z.]+")
_STRICT = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", re.ASCII)


@functools.total_ordering
class Version:
    """A text that knows its order; compared with versions of its kind and with texts."""

    version: Any
    vstring: str

    def __init__(self, vstring: str | None = None) -> None:
        if vstring:
            self.parse(vstring)

    def parse(self, vstring: str) -> None:
        raise NotImplementedError

    def _key(self) -> Any:
        return self.version

    def _other(self, other: object) -> Version | None:
        if isinstance(other, str):
            return type(self)(other)
        return other if isinstance(other, type(self)) else None

    def __repr__(self) -> str:
        return f"{type(self).__name__} ('{self}')"

    def __str__(self) -> str:
        return self.vstring

    def __eq__(self, other: object) -> Any:
        second = self._other(other)
        return NotImplemented if second is None else self._key() == second._key()

    def __lt__(self, other: object) -> Any:
        second = self._other(other)
        if second is None:
            return NotImplemented
        return self._key() < second._key()

    # As in the original: a version that has an order of its own has no hash.
    __hash__ = None     # type: ignore[assignment]


class LooseVersion(Version):
    """Numbers and words in turn, whatever they are: 4.18.0-305.el8; a number is before a word."""

    def parse(self, vstring: str) -> None:
        self.vstring = vstring
        self.version = [int(piece) if piece.isdigit() else piece
                        for piece in _PIECES.findall(vstring)]

    def _key(self) -> Any:
        return [(isinstance(piece, str), piece) for piece in self.version]


class StrictVersion(Version):
    """Two or three numbers, then perhaps a1 or b1; ValueError for any other text."""

    prerelease: tuple[str, int] | None

    def parse(self, vstring: str) -> None:
        found = _STRICT.fullmatch(vstring)
        if found is None:
            raise ValueError(f"invalid version number '{vstring}'")
        major, minor, patch, kind, number = found.groups()
        self.vstring = vstring
        self.version = int(major), int(minor), int(patch or 0)
        self.prerelease = (kind, int(number)) if kind else None

    def __str__(self) -> str:
        major, minor, patch = self.version
        text = f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"
        return text + f"{self.prerelease[0]}{self.prerelease[1]}" if self.prerelease else text

    def _key(self) -> Any:
        return self.version, self.prerelease or ("release", 0)
