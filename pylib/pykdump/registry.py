"""Owns the switches that modules register and people change with `pyctl`.

The variable in the registering module is the truth: a switch is read from there and written to
there, so module code tests a plain global.  Must not know about programs, reload or the kernel.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType

# The keyword of the historical interface is called `type`; keep the builtin reachable.
_type = type

_TRUE = frozenset(("on", "true", "yes", "1"))
_FALSE = frozenset(("off", "false", "no", "0"))


class RegistryError(ValueError):
    """A switch that cannot be registered, found or set as asked; the text says why."""


class Switch:
    """One registered variable: where it lives, how text becomes its value."""

    __slots__ = ("name", "owner", "namespace", "attr", "default", "help", "type", "on_change",
                 "listed", "typed")

    def __init__(self, name: str, owner: str, namespace: object, attr: str, default: object,
                 help: str, type: Callable[..., object],
                 on_change: Callable[[object], object] | None) -> None:
        self.name = name
        self.owner = owner
        self.namespace = namespace      # a module's globals, or any object with attributes
        self.attr = attr
        self.default = default
        self.help = help
        self.type = type
        self.on_change = on_change
        self.listed = True
        self.typed: str | None = None   # what a person has set: it outlives a reload

    @property
    def value(self) -> object:
        """What the variable is now."""
        if isinstance(self.namespace, dict):
            return self.namespace.get(self.attr)
        return getattr(self.namespace, self.attr, None)

    def store(self, value: object) -> None:
        """Write the variable and tell the owner; a refusal of the owner leaves the old value."""
        before = self.value
        self._write(value)
        if self.on_change is None:
            return
        try:
            self.on_change(value)
        except Exception as err:
            self._write(before)
            raise RegistryError(f"{self.name}: {value!r} is refused: {err}") from err

    def reset(self) -> None:
        """Back to the default; nobody has set it any more."""
        self.store(self.default)
        self.typed = None

    def undo(self, before: object) -> None:
        """Take back a change, of which `typed` does not know yet."""
        self.store(before)

    def _write(self, value: object) -> None:
        if isinstance(self.namespace, dict):
            self.namespace[self.attr] = value
        else:
            setattr(self.namespace, self.attr, value)

    def convert(self, text: object) -> object:
        """Text as typed -> a value of the registered type; RegistryError says what is wanted."""
        try:
            return convert(text, self.type)
        except ValueError as err:
            raise RegistryError(f"{self.name}: {err}") from err


# In order of first registration; a module that registers again keeps its place.
_switches: dict[str, Switch] = {}

# What a person wants switches to be whose modules have not been imported yet.
_expected: dict[str, str] = {}

# Of names "FAMILY.anything": what makes their switches, and those that somebody has named.
_families: dict[str, Callable[[str], Switch]] = {}
_relatives: dict[str, Switch] = {}


def convert(text: object, wanted: Callable[..., object]) -> object:
    """Convert `text` to the type `wanted` or raise a ValueError that a person understands."""
    if not isinstance(text, str):
        return wanted(text)
    text = text.strip()
    if wanted is bool:
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ValueError(f"{text!r} is not on/off, true/false, yes/no or 1/0")
    if wanted is int:
        if text.lower() in _TRUE | _FALSE and not text.isdecimal():
            return int(text.lower() in _TRUE)
        return parse_int(text)
    try:
        return wanted(text)
    except RegistryError:
        raise                           # it says what is wanted better than its name does
    except (TypeError, ValueError) as err:
        name = getattr(wanted, "__name__", str(wanted))
        raise ValueError(f"{text!r} is not a {name}") from err


def parse_int(text: str) -> int:
    """Decimal (leading zeros allowed), 0x, 0o, 0b, each with an optional sign."""
    for base in (0, 10):
        try:
            return int(text, base)
        except ValueError:
            continue
    raise ValueError(f"{text!r} is not a whole number (decimal, 0x, 0o or 0b)")


def registerModuleAttr(attrname: str, pyctlname: str | None = None, default: object = None,
                       help: str = "", type: Callable[..., object] = int,
                       on_change: Callable[[object], object] | None = None,
                       listed: bool = True) -> None:
    """Create the variable `attrname` in the calling module and let pyctl change it.

    A default of None keeps a variable that exists already.  `on_change(value)` is called after
    each change made from outside.  What is not `listed` is so while it is set, else with
    `pyctl -a` only.
    """
    namespace = sys._getframe(1).f_globals
    if default is None:
        default = namespace.get(attrname)
    switch = Switch(pyctlname or attrname, namespace["__name__"], namespace, attrname,
                    default, help, type, on_change)
    switch.listed = listed
    _register(switch)


def registerObjAttrHandler(o: object, attrname: str, *, default: object,
                           pyctlname: str | None = None, help: str = "",
                           type: Callable[..., object] = int,
                           on_change: Callable[[object], object] | None = None) -> None:
    """Let pyctl change an attribute of any object, as registerModuleAttr does of a module."""
    _register(Switch(pyctlname or attrname, _name_of(o), o, attrname,
                     default, help, type, on_change))


def register_family(prefix: str, make: Callable[[str], Switch]) -> None:
    """Let all names "PREFIX.rest" be switches: `make(rest)` when one is named for the first time.

    It raises RegistryError for a `rest` that cannot be one.  They are listed while they are set.
    """
    _families[prefix] = make


def _name_of(o: object) -> str:
    if isinstance(o, ModuleType):
        return o.__name__
    cls = o if isinstance(o, _type) else o.__class__
    return f"{cls.__module__}.{cls.__qualname__}"


def _register(new: Switch) -> None:
    old = _switches.get(new.name)
    if old is not None and old.owner != new.owner:
        raise RegistryError(f"{new.name} is registered by {old.owner}, "
                            f"{new.owner} must choose another name (pyctlname)")
    _switches[new.name] = new
    new._write(new.default)
    typed = _expected.pop(new.name, None) if old is None else old.typed
    if typed is not None:
        _carry_over(typed, new)


def _carry_over(typed: str, switch: Switch) -> None:
    """Keep what a person has set when its module is loaded again, or at last."""
    try:
        switch.store(switch.convert(typed))
    except RegistryError:
        return                          # the type has changed: the new default holds
    switch.typed = typed


def switches() -> Iterator[Switch]:
    """All switches in the order of their registration, then those of families that are set."""
    relatives = [switch for switch in _relatives.values() if switch.typed is not None]
    return iter((*_switches.values(), *relatives))


def find(name: str) -> Switch:
    """The switch of that name; RegistryError with a suggestion when there is none."""
    try:
        return _switches[name]
    except KeyError:
        pass
    prefix, dot, rest = name.partition(".")
    if dot and prefix in _families:
        if name not in _relatives:
            _relatives[name] = _families[prefix](rest)
        return _relatives[name]
    import difflib
    close = difflib.get_close_matches(name, _switches, 1)
    hint = f", did you mean {close[0]}?" if close else ""
    raise RegistryError(f"{name!r} is not a registered option{hint}")


def value(name: str, default: object = None) -> object:
    """Current value of a switch, `default` when nobody has registered it."""
    switch = _switches.get(name)
    return default if switch is None else switch.value


def set_values(texts: dict[str, str]) -> None:
    """Set several switches, all or none."""
    wanted = [(find(name), text) for name, text in texts.items()]
    converted = [(switch, switch.convert(text)) for switch, text in wanted]
    done: list[tuple[Switch, object]] = []
    for switch, new in converted:
        before = switch.value
        try:
            switch.store(new)
        except RegistryError:
            for earlier, old in done:
                earlier.undo(old)
            raise
        done.append((switch, before))
    for switch, text in wanted:
        switch.typed = text


def expect(name: str, text: str) -> None:
    """Set a switch now, or when its module is imported; RegistryError if it refuses."""
    prefix, dot, _rest = name.partition(".")
    if name in _switches or dot and prefix in _families:
        set_values({name: text})
    else:
        _expected[name] = text


def chosen() -> dict[str, str]:
    """What people have set, by name, as they have typed it; of what is not imported yet, too."""
    typed = {switch.name: switch.typed for switch in switches() if switch.typed is not None}
    return {**_expected, **typed}


def reset(names: list[str] | None = None) -> None:
    """Back to the defaults: the named switches, or all of them."""
    wanted = list(switches()) if names is None else [find(name) for name in names]
    for switch in wanted:
        switch.reset()
    if names is None:
        _expected.clear()


class PyCtl:
    """The historical face of the registry (`pykdump.Generic.PyCtl`)."""

    @staticmethod
    def regfunc(name: str, func: Callable[[object], object], **kwargs: object) -> None:
        """Register a setter instead of a variable; the value is kept here."""
        holder = _Holder()
        namespace = sys._getframe(1).f_globals
        default = kwargs.pop("default", None)
        _register(Switch(name, namespace["__name__"], holder, "value", default,
                         str(kwargs.get("help", "")),
                         kwargs.get("type", int),  # type: ignore[arg-type]
                         func))

    @staticmethod
    def runfn(name: str, text: str) -> None:
        """Set a switch from text; RegistryError."""
        set_values({name: text})

    setCurentValue = runfn

    @staticmethod
    def TypeConv(name: str, text: str) -> object:
        """The value that a text is for a switch; RegistryError."""
        return find(name).convert(text)

    @staticmethod
    def getDict() -> dict[str, list[object]]:
        """name -> [setter, module, description, current value]"""
        return {switch.name: [switch.store, switch.owner,
                              {"default": switch.default, "help": switch.help,
                               "type": switch.type}, switch.value]
                for switch in switches()}

    @staticmethod
    def Dump() -> None:
        """Print all switches, their values and modules."""
        for switch in switches():
            print(f"     <{switch.name}={switch.value}>   in {switch.owner}")


class _Holder:
    """Keeps the value of a switch that has a setter and no variable."""

    value: object = None
