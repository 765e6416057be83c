"""Owns pseudo-attributes: names for what kernels keep in different places.

Must not know any kernel: the chains are the callers'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import _pykdump

from . import typeinfo


def _class_of(sname: str) -> type:
    return type(_pykdump.readSU(sname, 0))


def _with_names(sname: str, extra: Iterable[str]) -> list[str]:
    return [name for name in (sname, *extra) if typeinfo.struct_exists(name)]


def structSetAttr(sname: str, attr: str, chains: str | Iterable[str],
                  sextra: Iterable[str] = ()) -> bool:
    """Name the value at the end of a chain of members: the first chain that this kernel has.

    `""` names the struct itself.  `sextra` are structs that get the name too.  False when no
    chain fits, or there is no such struct.
    """
    candidates = [chains] if isinstance(chains, str) else list(chains)
    if not typeinfo.struct_exists(sname):
        return False
    for chain in candidates:
        if not chain or typeinfo.resolve(sname, chain):
            _set(_with_names(sname, sextra), attr, _follower(chain))
            return True
    return False


def structSetProcAttr(sname: str, attr: str, function: Callable[..., object]) -> bool:
    """Name the value that a function of the struct computes; False if there is no such struct."""
    if not typeinfo.struct_exists(sname):
        return False
    _set([sname], attr, function)
    return True


def _follower(chain: str) -> Callable[..., object]:
    if not chain:
        return lambda struct: struct
    return lambda struct: struct.Eval(chain)


def _set(snames: Iterable[str], attr: str, function: Callable[..., object]) -> None:
    for sname in snames:
        setattr(_class_of(sname), attr, property(function))
