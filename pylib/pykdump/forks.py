"""Owns what must happen around a fork, so that a child and crash do not disturb each other.

Must not know why a program forks.
"""

from __future__ import annotations

import os
import signal
import warnings
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType

import _pykdump

from . import alerts, output, wire

# A child is born with gdb's handlers of these, which do nothing there; until they are gone the
# signals wait.
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

_masks: list[set[int]] = []


def install() -> None:
    """Once in the life of the interpreter."""
    # Python warns where there are threads. Those of gdb are always there, and hold nothing.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)


def _before() -> None:
    output.flush()                  # or the child would write again what is pending
    _masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING))


def _after() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _masks.pop())


def _after_in_child() -> None:
    _pykdump.after_fork()
    alerts.after_fork()
    _after()
    wire.forked()


class _ForkingLoader(SourceFileLoader):
    """Loads multiprocessing.context, so that fork is what programs get who say nothing.

    A process that was started in another way (Python 3.14's default) has no dump.
    """

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        setattr(module, "_default_context",
                module.DefaultContext(module._concrete_contexts["fork"]))


def forking(spec: ModuleSpec | None) -> ModuleSpec | None:
    """The same spec, with a loader that makes multiprocessing fork."""
    if spec is not None and spec.name == "multiprocessing.context" and spec.origin is not None \
            and type(spec.loader) is SourceFileLoader:
        spec.loader = _ForkingLoader(spec.name, spec.origin)
    return spec
