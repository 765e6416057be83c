"""Owns results remembered between calls: memoized functions, type information, PY_select.

Must not know what is remembered.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any, TypeVar

import _pykdump

from . import options
from .Generic import registerModuleAttr
from .loggers import Log

_log = Log(__name__)
debugMemoize: int
registerModuleAttr("debugMemoize", default=0,
                   help="report remembered results: 1 functions, 2 arguments too")

CU_LIVE = 1
"""A result is never good on a live system."""
CU_LOAD = 2
"""A result is forgotten when debug information is loaded."""
CU_PYMOD = 4
"""A result is forgotten when Python modules are reloaded."""
CU_TIMEOUT = 8
"""A result is forgotten when crash commands get more time than before."""

R = TypeVar("R")
Key = tuple[object, ...]


class _Count:
    """How often what is remembered was asked for."""

    hits = misses = 0


_functions, _types = _Count(), _Count()

# flags -> key -> result; a key starts with the function's module and qualified name
_results: dict[int, dict[Key, Any]] = {}


def memoize_cond(flags: int) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Remember the results of a function until one of the conditions in `flags` arises.

    The function gets a keyword MEMOIZE; False computes anew and remembers nothing.
    """
    results = _results.setdefault(flags, {})

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        identity = function.__module__, function.__qualname__

        @functools.wraps(function)
        def remembering(*args: object, MEMOIZE: bool = True, **kwargs: object) -> R:
            if not MEMOIZE or flags & CU_LIVE and _is_live():
                return function(*args, **kwargs)
            key = identity + _arguments_key(args, kwargs)
            try:
                result = results[key]
            except KeyError:
                pass
            except TypeError:           # an unhashable argument
                return function(*args, **kwargs)
            else:
                _functions.hits += 1
                if debugMemoize:
                    _report("hit", key)
                return result
            _functions.misses += 1
            if debugMemoize:
                _report("miss", key)
            result = results[key] = function(*args, **kwargs)
            return result

        return remembering

    return decorate


def _arguments_key(args: Key, kwargs: dict[str, object]) -> Key:
    # With the types: two structures at one address are equal, and so are 1 and True.
    key = (args, tuple(map(type, args)))
    if kwargs:
        named = tuple(sorted(kwargs.items(), key=lambda item: item[0]))
        return key + (named, tuple(type(value) for _name, value in named))
    return key


@functools.lru_cache(maxsize=None)
def _is_live() -> bool:
    return bool(_pykdump.dump_info()["live"])


def _report(what: str, key: Key) -> None:
    arguments = f" {key[2:]!r}" if debugMemoize > 1 else ""
    print(f"memoize: {what} {key[0]}.{key[1]}{arguments}")


def purge_memoize_cache(flags: int) -> None:
    """Forget the results that depend on any of `flags`."""
    for condition, results in _results.items():
        if condition & flags:
            _log.debug("%d results are forgotten", len(results))
            _forget(results, list(results))


def remembered() -> int:
    """How many results are remembered."""
    return sum(map(len, _results.values())) + sum(map(len, _typeinfo.values()))


def statistics() -> dict[str, int]:
    """What is remembered, and how often it was asked for, by name."""
    return {
        "results of functions": sum(map(len, _results.values())),
        "function hits": _functions.hits, "function misses": _functions.misses,
        "results about types": sum(map(len, _typeinfo.values())),
        "type hits": _types.hits, "type misses": _types.misses,
        "choices of PY_select": len(_choices),
    }


def forget_results() -> None:
    """Forget what functions have returned, and what PY_select has chosen."""
    for results in _results.values():
        _forget(results, list(results))
    PY_select_purge()


def forget_modules(names: Iterable[str]) -> None:
    """Forget what functions of these modules have returned: their code is another now."""
    modules = frozenset(names)
    for results in _results.values():
        _forget(results, [key for key in results if key[0] in modules])


def _forget(results: dict[Key, object], keys: list[Key]) -> None:
    for key in keys:
        if debugMemoize:
            _report("purge", key)
        del results[key]


_typeinfo: dict[object, dict[Key, Any]] = {}


def memoize_typeinfo(function: Callable[..., R]) -> Callable[..., R]:
    """Remember what a function says about a type; the type's name is its first argument."""

    @functools.wraps(function)
    def remembering(name: object, *rest: object, **kwargs: object) -> R:
        known = _typeinfo.setdefault(name, {})
        key = (function.__module__, function.__qualname__) + _arguments_key(rest, kwargs)
        if key in known:
            _types.hits += 1
        else:
            _types.misses += 1
            known[key] = function(name, *rest, **kwargs)
        return known[key]

    return remembering


_on_types: list[Callable[[], None]] = []
_signature: int | None = None       # of what crash had loaded when all types were last forgotten


def on_types_changed(act: Callable[[], None]) -> Callable[[], None]:
    """Call `act()` when debug information was loaded or unloaded; also a decorator."""
    _on_types.append(act)
    return act


def purge_typeinfo(name: object = None) -> None:
    """Forget one type, or all of them and what was made of them."""
    global _signature
    if name is not None:
        _typeinfo.pop(name, None)
        return
    _log.debug("what is known of %d types is forgotten", len(_typeinfo))
    _signature = _pykdump.symbols_signature()
    _typeinfo.clear()
    _pykdump.purge_caches("types")
    for act in _on_types:
        act()


def refresh_typeinfo() -> None:
    """Forget types if debug information was loaded or dropped, as by `mod -s` at crash's prompt."""
    if _pykdump.symbols_signature() != _signature:
        purge_typeinfo()


# What the evaluation of an expression that does not fit this kernel ends with.
_MISSING = (KeyError, TypeError, AttributeError, IndexError, NameError)

_compiled: dict[str, CodeType] = {}
# (id of the caller's code, place in it, expressions) -> that code, the expression that worked;
# the code is held so that its id stays its own, hashing it would take longer than the rest
_choices: dict[tuple[int, int, tuple[str, ...]], tuple[CodeType, str]] = {}


def PY_select(*expressions: str) -> Any:
    """Value of the first expression that can be evaluated in the caller's scope.

    Each place that calls remembers its choice, so that later calls go straight to it; when the
    choice fails there, all are tried again.  When none can be, the error of the last.
    """
    import crash

    caller = sys._getframe(1)
    place = id(caller.f_code), caller.f_lasti, expressions
    scope = caller.f_globals, caller.f_locals
    chosen = _choices.get(place)
    order = expressions if chosen is None else (chosen[1], *expressions)
    failure: Exception | None = None
    for expression in order:
        try:
            value = eval(_code_of(expression), *scope)
        except (*_MISSING, crash.error) as err:
            failure = err
            continue
        _choices[place] = caller.f_code, expression
        return value
    raise failure or TypeError("PY_select needs an expression")


def _code_of(expression: str) -> CodeType:
    code = _compiled.get(expression)
    if code is None:
        code = _compiled[expression] = compile(expression.strip(), "<PY_select>", "eval")
    return code


def PY_select_purge() -> None:
    """Let every place choose anew."""
    _choices.clear()


_last_timeout = 0


def _on_timeout(seconds: int) -> None:
    """Results cut short by a timeout are worth another attempt when there is more time."""
    global _last_timeout
    if seconds > _last_timeout:
        purge_memoize_cache(CU_TIMEOUT)
    _last_timeout = seconds


options.on("timeout", _on_timeout)
