"""Owns finding out which names of older Pythons a text uses, and providing them.

A text that looks for a name itself (`try: unicode` ... `except NameError`) or makes it is left
alone: it knows both Pythons, and would be misled.  Must not know where the names come from.
"""

from __future__ import annotations

import builtins
import re
import warnings

from . import modules, names, py2builtins

_WORD = re.compile(r"[A-Za-z_]\w*")


def prepare(text: bytes, file: str) -> dict[str, object]:
    """Add to modules what they lack and the text uses; the names to put among its own."""
    words = set(_WORD.findall(text.decode("latin-1")))
    if not _may_be_old(words):
        return {}
    from .uses import Uses
    try:
        with warnings.catch_warnings():     # the real compilation shows them
            warnings.simplefilter("ignore")
            uses = Uses(text, file)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}                           # that is for the real compilation to say
    modules.expected_missing[file] = uses.guarded_imports
    for owner, moved in names.MOVED.items():
        module, _, in_class = owner.partition(":")
        base = module.rpartition(".")[2]
        for name in moved:
            if (name in uses.attributes) if in_class else (base, name) in uses.pairs:
                names.add(owner, name)
    found = {name: py2builtins.NAMES[name] for name in uses.needed(py2builtins.NAMES.keys())
             if not hasattr(builtins, name)}
    for star in uses.stars & names.MOVED.keys():
        moved = names.MOVED[star]
        found.update((name, names.resolve(moved[name])) for name in uses.needed(moved.keys()))
    return found


def _may_be_old(words: set[str]) -> bool:
    """A quick look: almost every text of today ends here."""
    if words & py2builtins.NAMES.keys() or words & modules.ALIASES.keys():
        return True
    return any(not words.isdisjoint(moved)
               and (":" in owner or owner.rpartition(".")[2] in words)
               for owner, moved in names.MOVED.items())
