"""Owns the graph of who waits for whom: chains to their roots, and cycles.

Must not know how it is found out what a task waits for, nor what is printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from LinuxDump.waiters import Wait, wait_of


class Cluster(NamedTuple):
    """Tasks that wait, directly or through others, for one.

    root     address of the task at the end of the chains, 0 where the owner is not known; where
             the chains end in a circle, the first of that
    what     the Wait of those who are next to the root
    waiters  addresses of all that wait, those nearest to the root first
    """

    root: int
    what: Wait
    waiters: list[int]


class WaitGraph:
    """What each of some tasks waits for, and those that have it, and so on.

    waits   address of a task -> its Wait; owners that wait themselves are there too
    """

    def __init__(self, tasks: Iterable[Any]) -> None:
        self.waits: dict[int, Wait] = {}
        pending = [int(task) for task in tasks]
        seen: set[int] = set()
        while pending:
            task = pending.pop()
            if task in seen:
                continue
            seen.add(task)
            wait = wait_of(task)
            if wait is not None:
                self.waits[task] = wait
                pending += wait.owners

    def chain(self, task: int) -> list[Wait]:
        """The waits from a task to the root of its chain; a cycle is there once."""
        waits: list[Wait] = []
        seen: set[int] = set()
        at: int | None = int(task)
        while at is not None and at not in seen and at in self.waits:
            seen.add(at)
            wait = self.waits[at]
            waits.append(wait)
            at = wait.owners[0] if wait.owners else None
        return waits

    def cycles(self) -> list[list[int]]:
        """Tasks that wait for each other in a circle; each circle once, from its lowest address."""
        found: set[tuple[int, ...]] = set()
        done: set[int] = set()
        for start in self.waits:
            path: list[int] = []
            places: dict[int, int] = {}
            at: int | None = start
            while at is not None and at in self.waits and at not in done and at not in places:
                places[at] = len(path)
                path.append(at)
                owners = self.waits[at].owners
                at = owners[0] if owners else None
            if at in places:
                circle = path[places[at]:]
                first = circle.index(min(circle))
                found.add(tuple(circle[first:] + circle[:first]))
            done.update(path)
        return [list(circle) for circle in sorted(found)]

    def clusters(self) -> list[Cluster]:
        """Who waits for whom in the end, the largest group first."""
        circles = {task: circle[0] for circle in self.cycles() for task in circle}
        groups: dict[tuple[int, int], list[tuple[int, int]]] = {}
        ends: dict[tuple[int, int], Wait] = {}
        for task in self.waits:
            chain = self.chain(task)
            last = chain[-1]
            root = last.owners[0] if last.owners else 0
            root = circles.get(root, root)
            key = (root, 0 if root else last.obj)
            ends.setdefault(key, last)
            groups.setdefault(key, []).append((len(chain), task))
        return sorted((Cluster(key[0], ends[key], [task for _depth, task in sorted(members)])
                       for key, members in groups.items()),
                      key=lambda cluster: -len(cluster.waiters))
