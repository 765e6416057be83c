"""Owns the loggers of the framework, and the switches of all loggers: `log.NAME` and `logTo`.

Python's own `logging` is imported when a level is set, and not before: it takes longer than most
commands.  Must not know where records go to (logsinks.py).
"""

from __future__ import annotations

import re
import sys

from . import registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging

ROOT = "root"
_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
_QUIET = ("pykdump", "LinuxDump")       # heard when they are asked, not with the root logger
_DEBUG, _INFO = 10, 20
_HIGHEST = 100


class Log:
    """A logger of a module of ours; it costs next to nothing until somebody wants to hear it."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def debug(self, text: str, *values: object) -> None:
        """`text % values` at level DEBUG."""
        self._tell(_DEBUG, text, values)

    def info(self, text: str, *values: object) -> None:
        """`text % values` at level INFO."""
        self._tell(_INFO, text, values)

    def _tell(self, level: int, text: str, values: tuple[object, ...]) -> None:
        if "logging" not in sys.modules:
            return                      # nobody can have asked
        logger = _logger(self._name)
        if logger.isEnabledFor(level):
            logger.log(level, text, *values, stacklevel=3)


def _logger(name: str) -> logging.Logger:
    import logging

    for quiet in _QUIET:
        if name == quiet or name.startswith(quiet + "."):
            top = logging.getLogger(quiet)
            if top.level == logging.NOTSET:
                top.setLevel(logging.WARNING)
    return logging.getLogger(name)


class _Level(registry.Switch):
    """`log.NAME`: the level of one logger.  The logger is the truth."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(f"log.{name}", "logging", None, name, "NOTSET",
                         "level of this logger and of those below it", _level, None)

    @property
    def value(self) -> object:
        import logging
        return _name_of_level(logging.getLogger(self.attr).level)

    def store(self, value: object) -> None:
        if self.typed is None:
            self.default = self.value   # the program's own choice
        self.apply(value)

    def apply(self, value: object) -> None:
        """Let the logger be heard, whatever a program has done to it."""
        import logging

        from . import logsinks

        logger = _logger(self.attr)
        level = str(value)
        logger.setLevel(int(level) if level.isdigit() else level)
        # logging.config disables all loggers that it is not told of.
        for name, other in logging.root.manager.loggerDict.items():
            if isinstance(other, logging.Logger) and f"{name}.".startswith(f"{self.attr}."):
                other.disabled = False
        logsinks.attach(logger)

    def reset(self) -> None:
        if self.typed is not None:
            self._forget()
        self.typed = None

    def undo(self, before: object) -> None:
        if self.typed is None:
            self._forget()
        else:
            self.apply(before)

    def _forget(self) -> None:
        from . import logsinks

        self.apply(self.default)
        logsinks.detach(_logger(self.attr))


def _make(name: str) -> _Level:
    if not _NAME.fullmatch(name):
        raise registry.RegistryError(
            f"{'log.' + name!r}: the name of a logger is words with dots between, or {ROOT}")
    return _Level(name)


def _level(text: object) -> str:
    """A level as it is shown; RegistryError lists what there is."""
    import logging

    known = logging.getLevelNamesMapping()
    word = str(text).upper()
    if word in known:
        return _name_of_level(known[word])
    if word.isdecimal() and word.isascii() and int(word[:4]) <= _HIGHEST:
        return _name_of_level(int(word))
    names = ", ".join(dict.fromkeys(map(_name_of_level, sorted(known.values()))))
    raise registry.RegistryError(f"{text!r} is not a level: {names}, or a number up to {_HIGHEST}")


def _name_of_level(number: int) -> str:
    import logging

    name = logging.getLevelName(number)
    return str(number) if name.startswith("Level ") else name


def reapply() -> None:
    """What a person has set holds at the start of a program, whatever the one before has done."""
    for switch in registry.switches():
        if isinstance(switch, _Level):
            switch.apply(_level(switch.typed))


def set_from(text: str) -> None:
    """Levels as PYKDUMP_LOG has them: "pykdump=DEBUG,mymodule=INFO"; RegistryError for bad ones."""
    levels = {}
    for word in filter(None, text.split(",")):
        name, equals, level = word.strip().partition("=")
        if not equals:
            raise registry.RegistryError(f"{word!r} is not of the form NAME=LEVEL")
        levels[f"log.{name}"] = level
    registry.set_values(levels)


logTo: str


def _destination(text: object) -> str:
    from . import logsinks
    return logsinks.parsed(str(text))


def _redirect(where: object) -> None:
    if where == "terminal" and f"{__package__}.logsinks" not in sys.modules:
        return                          # it never was elsewhere
    from . import logsinks
    logsinks.redirect(str(where))


registry.register_family("log", _make)
registry.registerModuleAttr("logTo", default="terminal", type=_destination, on_change=_redirect,
                            listed=False,
                            help="where the log goes: terminal, file:PATH or syslog[:ADDRESS]")
