"""Owns the question which modules a piece of code imports, and the order that follows from it.

Must not know why somebody asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import CodeType

# Instructions without a meaning of their own that may stand between those looked for.
_FILLERS = frozenset(("EXTENDED_ARG", "CACHE", "NOP"))


def in_order(codes: Mapping[str, CodeType], packages: Collection[str]) -> list[str]:
    """The names of `codes`, each after the modules that its code needs; ties keep their order.

    A package is before its submodules unless it imports them itself.  A cycle is broken at its
    first member.
    """
    needs = {name: set(_imported(name, code, name in packages)) & codes.keys() - {name}
             for name, code in codes.items()}
    for name in codes:
        parent = name.rpartition(".")[0]
        if parent in needs and not _reaches(needs, parent, name):
            needs[name].add(parent)
    order: list[str] = []
    waiting = list(codes)
    while waiting:
        ready = (name for name in waiting if needs[name].isdisjoint(waiting))
        chosen = next(ready, waiting[0])
        waiting.remove(chosen)
        order.append(chosen)
    return order


def _reaches(needs: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    pending = [start]
    while pending:
        name = pending.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            pending.extend(needs[name])
    return False


def _imported(module: str, code: CodeType, is_package: bool) -> Iterator[str]:
    """Full names that the body of a module may import; functions import later, if ever."""
    import dis

    package = module if is_package else module.rpartition(".")[0]
    steps = [step for step in dis.get_instructions(code) if step.opname not in _FILLERS]
    for position, step in enumerate(steps):
        if step.opname != "IMPORT_NAME":
            continue
        # The compiler loads the level and the names wanted just before.
        level, wanted = steps[position - 2].argval, steps[position - 1].argval
        source = step.argval
        if level:
            base = package.rsplit(".", level - 1)[0] if level > 1 else package
            source = f"{base}.{source}" if source else base
        yield source
        for name in wanted or ():
            yield f"{source}.{name}"
