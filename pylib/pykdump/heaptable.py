"""Owns the summing up of objects by type: rows of counts and bytes, and their table.

Must not know where the objects are: in this process, or in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

_UNITS = ("bytes", "KiB", "MiB", "GiB")


class Row:
    """Objects of one type: how many, their bytes in all, the bytes of the largest."""

    __slots__ = ("kind", "count", "size", "largest")

    def __init__(self, kind: str, count: int = 0, size: int = 0, largest: int = 0) -> None:
        self.kind = kind
        self.count = count
        self.size = size
        self.largest = largest

    def add(self, size: int) -> None:
        """Count one more object of `size` bytes."""
        self.count += 1
        self.size += size
        self.largest = max(self.largest, size)


class Table:
    """Rows by type; as text, the `limit` largest of them."""

    def __init__(self, rows: Iterable[Row], limit: int = 20, by_count: bool = False) -> None:
        self.rows = sorted(rows, reverse=True, key=lambda row: (
            (row.count, row.size) if by_count else (row.size, row.count)))
        self.limit = limit

    @property
    def count(self) -> int:
        """How many objects there are."""
        return sum(row.count for row in self.rows)

    @property
    def size(self) -> int:
        """Bytes of them all."""
        return sum(row.size for row in self.rows)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        count, size = self.count, self.size
        yield (f"Total {count} objects, {len(self.rows)} types, "
               f"Total size = {readable(size)} ({size} bytes)")
        yield " Index   Count   %       Size   %  Cum      Max  Kind"
        so_far = 0
        for index, row in enumerate(self.rows[:self.limit]):
            so_far += row.size
            yield (f"{index:6} {row.count:7} {_percent(row.count, count):3} {row.size:10} "
                   f"{_percent(row.size, size):3} {_percent(so_far, size):4} {row.largest:8}  "
                   f"{row.kind}")
        if len(self.rows) > self.limit:
            rest = self.rows[self.limit:]
            count, size = sum(row.count for row in rest), sum(row.size for row in rest)
            yield f"       {count:7}     {size:10}{'':20}{len(rest)} more types"

    def as_json(self) -> dict[str, Any]:
        """All rows: objects, bytes, types: [type, count, bytes, largest]."""
        return {"objects": self.count, "bytes": self.size,
                "types": [{"type": row.kind, "count": row.count, "bytes": row.size,
                           "largest": row.largest} for row in self.rows]}


class Growth:
    """How the rows of a table differ from what there was; as text, the `limit` largest changes."""

    def __init__(self, before: dict[str, tuple[int, int]], now: Table, limit: int = 10) -> None:
        self.limit = limit
        present = {row.kind: (row.count, row.size) for row in now.rows}
        changes = []
        for kind in before.keys() | present.keys():
            old, new = before.get(kind, (0, 0)), present.get(kind, (0, 0))
            if old != new:
                changes.append((kind, new[0] - old[0], new[1] - old[1], new[0]))
        # (type, objects more, bytes more, objects now)
        self.changes = sorted(changes, key=lambda change: (-change[2], -change[1], change[0]))

    @property
    def count(self) -> int:
        """How many objects there are more."""
        return sum(change[1] for change in self.changes)

    @property
    def size(self) -> int:
        """Bytes that there are more."""
        return sum(change[2] for change in self.changes)

    def __str__(self) -> str:
        if not self.changes:
            return "nothing has changed"
        lines = [f"{self.count:+} objects, {self.size:+} bytes, {len(self.changes)} types changed",
                 "   Count       Size      Now  Kind"]
        lines.extend(f"{count:+8} {size:+10} {now:8}  {kind}"
                     for kind, count, size, now in self.changes[:self.limit])
        if len(self.changes) > self.limit:
            lines.append(f"{'':30}{len(self.changes) - self.limit} more types")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """What has changed: objects, bytes, types: [type, count, bytes, now]."""
        return {"objects": self.count, "bytes": self.size,
                "types": [{"type": kind, "count": count, "bytes": size, "now": now}
                          for kind, count, size, now in self.changes]}


def readable(size: int) -> str:
    """A number of bytes in the unit that suits it."""
    amount = float(size)
    for unit in _UNITS:
        if abs(amount) < 1024 or unit == _UNITS[-1]:
            break
        amount /= 1024
    return f"{size} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"


def _percent(part: int, whole: int) -> int:
    return 100 * part // whole if whole else 0
