"""Owns what a finding is: one thing that somebody who looks at the dump should know.

Must not know how findings are made or where they are printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from pykdump.plaintext import one_line


class Severity(IntEnum):
    """How bad a finding is; the larger, the earlier it is told."""

    NOTE = 1
    """Good to know; a healthy machine may have it: a panic that was asked for."""

    WARNING = 2
    """Makes trouble sooner or later, or makes others' trouble worse: memory is short."""

    ERROR = 3
    """Something does not work: threads hang, a filesystem is shut down, I/O is stuck."""

    CRITICAL = 4
    """Why the kernel died, or what corrupts it."""

    def __str__(self) -> str:
        return self.name.lower()


class Evidence(NamedTuple):
    """One thing that a finding is made from: what can be looked at again."""

    what: str
    """What it is, in the field's words: "task", "mutex", "page", "log", "module"."""

    text: str = ""
    """What it says: a line of the log, a name, "waits 312 s"."""

    address: int | None = None
    """Where it is in the kernel's memory."""

    pid: int | None = None
    """The thread it belongs to."""

    def __str__(self) -> str:
        words = [self.what]
        if self.address is not None:
            words.append(f"0x{self.address:x}")
        if self.pid is not None:
            words.append(f"pid={self.pid}")
        return " ".join([*words, self.text]).rstrip()


@dataclass(frozen=True)
class Finding:
    """One thing that somebody who looks at the dump should know."""

    id: str
    """Stable, for scripts: the detector and the kind, as in "panic.null-dereference"."""

    severity: Severity

    sentence: str
    """One sentence, with the numbers and names that matter, that stands alone."""

    evidence: tuple[Evidence, ...] = ()
    """The strongest first; a detector with hundreds gives the first few and says how many."""

    command: str = ""
    """What shows more when typed at crash's prompt."""

    def lines(self) -> Iterator[str]:
        """As it is printed, without its number; what a dump says cannot end a line."""
        yield f"{self.severity}: {one_line(self.sentence)}"
        for piece in self.evidence:
            yield f"    {one_line(piece)}"
        yield f"    [{self.id}]" + (f"  more: {one_line(self.command)}" if self.command else "")

    def record(self) -> dict[str, Any]:
        """As JSON shows it: addresses are hexadecimal text."""
        return {"id": self.id, "severity": str(self.severity), "sentence": self.sentence,
                "evidence": [_record(piece) for piece in self.evidence], "command": self.command}


def _record(piece: Evidence) -> dict[str, Any]:
    address = None if piece.address is None else f"0x{piece.address:x}"
    return {**piece._asdict(), "address": address}
