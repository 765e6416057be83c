"""Owns pseudo-attributes: names for what kernels keep in different places.

They are chosen again when debug information is loaded, and forgotten when the module that gave
them is reloaded without them.  Must not know any kernel: the chains are the callers'.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import _pykdump

from . import memocaches, reload, structinfo, typeinfo

Follow = Callable[[Any], Any]

# The beginning of a chain that is one of struct sock_common, as which the struct is seen.
_CAST = "SKC."
_CAST_TO = "struct sock_common"


class _Registration:
    """What somebody has asked for: an attribute, and where its value may be."""

    __slots__ = ("sname", "attr", "chains", "function", "extra", "owner", "serial", "chosen",
                 "given")

    def __init__(self, sname: str, attr: str, chains: list[str], function: Follow | None,
                 extra: list[str], owner: str) -> None:
        self.sname = sname
        self.attr = attr
        self.chains = chains
        self.function = function        # instead of chains
        self.extra = extra              # structs that have `sname` at their beginning
        self.owner = owner
        self.serial: int = next(_serials)
        self.chosen: str | None = None  # the chain in force
        self.given: list[str] = []      # structs that have the attribute

    def apply(self) -> bool:
        """Give the attribute to the classes, if the kernel has what it is for."""
        self.chosen = None
        self.given = []
        if not typeinfo.struct_exists(self.sname):
            return False
        follow = self.function or self._choose()
        if follow is None:
            return False
        for name in [self.sname, *self.extra]:
            if typeinfo.struct_exists(name):
                self._give(name, follow)
        return True

    def _choose(self) -> Follow | None:
        for chain in self.chains:
            cast = chain.startswith(_CAST)
            sname = _CAST_TO if cast else self.sname
            path = chain.removeprefix(_CAST)
            if not path or typeinfo.resolve(sname, path):
                self.chosen = chain
                return _follower(path, _CAST_TO if cast else None)
        return None

    def _give(self, name: str, follow: Follow) -> None:
        if name != self.sname and self.function is None:
            follow = _seen_as(self.sname, follow)
        _pykdump.set_attribute(name, self.attr, property(follow), self.offset)
        self.given.append(name)

    @property
    def offset(self) -> int | None:
        """Where the value is, if that is in the struct itself."""
        if not self.chosen or self.chosen.startswith(_CAST):
            return None
        offset = typeinfo.member_offset(self.sname, self.chosen)
        return None if offset < 0 else offset

    def drop(self) -> None:
        for name in self.given:
            # The attribute has hidden a member of that name.
            if self.attr in typeinfo.members(name):
                _pykdump.set_attribute(name, self.attr, property(_follower(self.attr, None)),
                                       typeinfo.member_offset(name, self.attr))
            else:
                delattr(type(_pykdump.readSU(name, 0)), self.attr)
        self.given = []


_serials = itertools.count(1)
_registrations: dict[tuple[str, str], _Registration] = {}


def _follower(path: str, cast: str | None) -> Follow:
    def follow(struct: Any) -> Any:
        return _pykdump.read_chain(struct, path) if path else struct

    return _seen_as(cast, follow) if cast else follow


def _seen_as(sname: str, follow: Follow) -> Follow:
    return lambda struct: follow(struct.castTo(sname))


def _register(sname: str, attr: str, chains: str | Iterable[str] | None, function: Follow | None,
              extra: Iterable[str], owner: str) -> bool:
    candidates = [chains] if isinstance(chains, str) else list(chains or ())
    new = _Registration(sname, attr, candidates, function, list(extra), owner)
    old = _registrations.pop((sname, attr), None)
    if old is not None:
        old.drop()
    _registrations[sname, attr] = new
    memocaches.purge_typeinfo(sname)
    return new.apply()


def _caller() -> str:
    """The module that calls what calls this."""
    return sys._getframe(2).f_globals.get("__name__", "__main__")


def structSetAttr(sname: str, attr: str, chains: str | Iterable[str],
                  sextra: Iterable[str] = ()) -> bool:
    """Name the value at the end of a chain of members: the first chain that this kernel has.

    `""` names the struct itself.  `sextra` are structs that begin with this one and get the name
    too.  False when no chain fits, or there is no such struct.
    """
    return _register(sname, attr, chains, None, sextra, _caller())


def structSetProcAttr(sname: str, attr: str, function: Follow) -> bool:
    """Name the value that a function of the struct computes; False if there is no such struct."""
    return _register(sname, attr, None, function, (), _caller())


class AttrSetter:
    """Assigning a chain, several of them or a function names it in all structs given.

    Each struct gets the first chain that it has; one that begins with "SKC." is of struct
    sock_common.  Reading the attribute tells whether any struct has got it.
    """

    def __init__(self, *snames: str) -> None:
        vars(self).update(_snames=snames, _given={})

    def __setattr__(self, attr: str, value: str | Iterable[str] | Follow) -> None:
        owner = _caller()
        if callable(value):
            given = [_register(sname, attr, None, value, (), owner) for sname in self._snames]
        else:
            chains = [value] if isinstance(value, str) else list(value)
            given = [_register(sname, attr, chains, None, (), owner) for sname in self._snames]
        self._given[attr] = any(given)

    def __getattr__(self, attr: str) -> Any:
        try:
            return vars(self)["_given"][attr]
        except KeyError:
            raise AttributeError(attr) from None


def _members(sname: str) -> Iterator[tuple[str, structinfo.VarInfo | None]]:
    """Pseudo-attributes as members: at a fixed offset what is there, else None."""
    for registration in list(_registrations.values()):
        if sname not in (registration.sname, *registration.extra) or not registration.given:
            continue
        found = None
        if registration.chosen and registration.offset is not None:
            found = structinfo.embedded(registration.sname, registration.chosen)
        yield registration.attr, found


def _extra_members(sname: str) -> dict[str, Any]:
    return dict(_members(sname))


structinfo.extra_members = _extra_members


@memocaches.on_types_changed
def _choose_again() -> None:
    """Debug information has changed: another chain may fit now, and classes may be new."""
    for registration in _registrations.values():
        registration.drop()
        registration.apply()


_reload_began = 0


def _reload_begins(_names: list[str]) -> None:
    global _reload_began
    _reload_began = next(_serials)


def _reload_ended(names: list[str]) -> None:
    """What the new code of these modules has not asked for again is no more."""
    gone = [key for key, registration in _registrations.items()
            if registration.owner in names and registration.serial < _reload_began]
    for key in gone:
        _registrations.pop(key).drop()
        memocaches.purge_typeinfo(key[0])


reload.on_reload(_reload_begins)
reload.on_reloaded(_reload_ended)
