"""Owns `--reload`: loads user modules and LinuxDump again without a new session.

Source is compiled from the file itself, whatever a stale .pyc says.  A module that cannot be
loaded stays as it was.  The framework is never reloaded: this code is a part of it.
Must not know what the modules do.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader
from types import CodeType, ModuleType
from zipimport import zipimporter

from . import imports, memocaches, path, registry, shadow, tracing
from .Generic import DCache
from .loggers import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_log = Log(__name__)
_FRAMEWORK = frozenset(("pykdump", "crash", "_pykdump", "__main__"))


class Report:
    """What a reload did: names in order, and the errors of those that stay as they were."""

    def __init__(self) -> None:
        self.reloaded: list[str] = []
        self.failed: dict[str, str] = {}


_subscribers: list[Callable[[list[str]], None]] = []


def on_reload(act: Callable[[list[str]], None]) -> None:
    """Call `act(names)` before the bodies of the modules are executed again.

    Before, because what a module registers while it is loaded must stay.
    """
    _subscribers.append(act)


_after: list[Callable[[list[str]], None]] = []


def on_reloaded(act: Callable[[list[str]], None]) -> None:
    """Call `act(names)` after the bodies of these modules were executed again."""
    _after.append(act)


def reload_user_modules(out: TextIO) -> Report:
    """Load all user modules again; problems are printed to `out`, and with debugReload all."""
    report = Report()
    importlib.invalidate_caches()
    codes: dict[str, CodeType] = {}
    for name, module in _candidates().items():
        try:
            codes[name] = _compile(module)
        except Exception as err:
            _fail(report, out, module, err)
    _forget(list(codes))
    for act in _subscribers:
        act(list(codes))
    packages = {name for name in codes if "__path__" in vars(sys.modules[name])}
    for name in imports.in_order(codes, packages):
        _reload(sys.modules[name], codes[name], report, out)
    # Again: results may have been remembered between two modules.
    _forget(report.reloaded)
    for act in _after:
        act(report.reloaded)
    return report


def _forget(names: list[str]) -> None:
    """Drop what was computed by the old code."""
    memocaches.purge_memoize_cache(memocaches.CU_PYMOD)
    memocaches.forget_modules(names)
    memocaches.PY_select_purge()
    DCache.tmp.clear()


def _candidates() -> dict[str, ModuleType]:
    """User modules and LinuxDump, in the order in which they were loaded."""
    return {name: module for name, module in list(sys.modules.items())
            if isinstance(module, ModuleType) and _is_users(name, module)}


def _is_users(name: str, module: ModuleType) -> bool:
    top = name.partition(".")[0]
    if top in _FRAMEWORK or top in sys.stdlib_module_names:
        return False
    # From the dictionary: asking a lazy module for an attribute would load it.
    spec = module.__dict__.get("__spec__")
    file = module.__dict__.get("__file__")
    if spec is None or spec.name != name or not isinstance(file, str):
        return False
    return not isinstance(spec.loader, ExtensionFileLoader) and not path.is_protected(file)


def _compile(module: ModuleType) -> CodeType:
    """The code of a module as it is now."""
    file = module.__file__
    assert file is not None and module.__spec__ is not None
    loader = module.__spec__.loader
    if file.endswith(".py") and not isinstance(loader, zipimporter):
        with open(file, "rb") as stream:
            return compile(stream.read(), file, "exec", dont_inherit=True)
    code = loader.get_code(module.__spec__.name)  # type: ignore[union-attr]
    if code is None:
        raise ImportError("its loader has no code for it")
    return code


def _reload(module: ModuleType, code: CodeType, report: Report, out: TextIO) -> None:
    """Execute the new body over the old module; as with importlib, old names stay.

    The new code fills the same dictionary, so that functions of other modules which hold this
    one see the new names.
    """
    name = module.__name__
    level = registry.value("debugReload", 0)
    assert isinstance(level, int)
    if level > 1:
        print(name, module.__file__, file=out)
    if level > 0:
        print(f"--reloading {name}", file=out)
    before = dict(module.__dict__)
    assert module.__file__ is not None
    shadow.complete(module, module.__file__)
    try:
        tracing.tell("reload", (name, module.__file__))
        exec(code, module.__dict__)
    except KeyboardInterrupt:
        _put_back(module, before)
        raise
    except (Exception, SystemExit) as err:
        _put_back(module, before)
        _fail(report, out, module, err)
    else:
        report.reloaded.append(name)
        _log.info("%s is loaded again from %s", name, module.__file__)


def _put_back(module: ModuleType, names: dict[str, object]) -> None:
    module.__dict__.clear()
    module.__dict__.update(names)
    sys.modules[module.__name__] = module


def _fail(report: Report, out: TextIO, module: ModuleType, err: BaseException) -> None:
    file, line = _place(err, module)
    where = f"{file}, line {line}" if line else file
    text = err.msg if isinstance(err, SyntaxError) else str(err)
    if isinstance(err, FileNotFoundError) and err.filename == module.__file__:
        text = "the file is gone"
    report.failed[module.__name__] = text
    _log.info("%s stays as it was: %s: %s", module.__name__, type(err).__name__, text)
    print(f"--reload: {module.__name__} stays as it was\n"
          f"    {where}: {type(err).__name__}: {text}", file=out)


def _place(err: BaseException, module: ModuleType) -> tuple[str, int | None]:
    """File and line of an error: where the text is wrong, or where it was raised."""
    own = str(module.__file__)
    if isinstance(err, SyntaxError):
        return err.filename or own, err.lineno
    place: tuple[str, int | None] = own, None
    tb = err.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code.co_filename == own:
            place = own, tb.tb_lineno
        tb = tb.tb_next
    return place
