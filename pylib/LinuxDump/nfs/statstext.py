"""Owns the numbers of NFS mounts as text.

Must not know where they come from.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from LinuxDump.nfs.iostats import Counters, Operation, Stats

_WIDTH = 80
_NO_BREAK = "\0"         # it is in no text of the kernel
_COLUMNS = ("ops", "trans", "tmout", "bytes-sent", "bytes-recv", "q/op", "rtt/op", "exe/op")
_HEADER = "  {:<20}{:>8}{:>8}{:>7}{:>13}{:>13}{:>9}{:>9}{:>9}"
_ROW = "  {:<20}{:>8}{:>8}{:>7}{:>13}{:>13}{:>9.2f}{:>9.2f}{:>9.2f}"


def lines(stats: Stats) -> Iterator[str]:
    """All of it, indented as below a mount; of procedures those that were called."""
    yield f"  age: {stats.age}"
    if stats.impl and any(stats.impl):
        name, domain, seconds, nanoseconds = stats.impl
        yield f"  impl: name='{name}', domain='{domain}', date='{seconds},{nanoseconds}'"
    caps = stats.caps
    yield (f"  caps: caps=0x{caps['caps']:x}, wtmult={caps['wtmult']}, dtsize={caps['dtsize']}, "
           f"bsize={caps['bsize']}, namelen={caps['namlen']}")
    if stats.v4:
        yield from _wrapped("nfsv4", _v4(stats.v4))
    flavor, pseudo = stats.flavor
    yield f"  sec: flavor={flavor}" + (f", pseudoflavor={pseudo}" if flavor else "")
    for kind, numbers in stats.transports:
        words = ["?" if number is None else str(number) for number in numbers]
        yield f"  xprt:  {kind} {' '.join(words)}"
    if stats.counters:
        yield from _counted(stats.counters)
    else:
        yield "  events: the types of the module nfs are not in the dump" if stats.counted \
            else "  sorry, stats are NULL"
    if not stats.operations:
        yield "  operations: the types of the module sunrpc are not in the dump"
        return
    yield _HEADER.format("", *_COLUMNS)
    for each in stats.operations:
        if each.ops:
            yield _ROW.format(each.name, each.ops, each.transmissions, each.timeouts, each.sent,
                              each.received, each.queue / each.ops, each.rtt / each.ops,
                              each.execute / each.ops)


def _v4(told: dict[str, int | str]) -> Iterator[str]:
    for name, value in told.items():
        if value == "":
            yield name
        elif name in ("bm0", "bm1", "bm2", "acl"):
            yield f"{name}=0x{value:x}"
        else:
            yield f"{name}={value}"


def _counted(counters: Counters) -> Iterator[str]:
    for kind, numbers in counters._asdict().items():
        if numbers:
            yield from _wrapped(kind, [f"{name}: {total}" for name, total in numbers.items()])


def _wrapped(label: str, words: Iterable[str]) -> list[str]:
    """Words with commas between them, none of which is broken."""
    text = f"{label}: " + ", ".join(word.replace(" ", _NO_BREAK) for word in words)
    return [line.replace(_NO_BREAK, " ") for line in textwrap.wrap(
        text, _WIDTH, initial_indent="  ", subsequent_indent=" " * 8, break_long_words=False,
        break_on_hyphens=False)]


def record(stats: Stats) -> dict[str, Any]:
    """As JSON has it: procedures that were called, by name."""
    return {**stats._asdict(),
            "counters": stats.counters._asdict() if stats.counters else None,
            "operations": {each.name: _without_name(each) for each in stats.operations
                           if each.ops}}


def _without_name(operation: Operation) -> dict[str, int]:
    own = operation._asdict()
    del own["name"]
    return own
