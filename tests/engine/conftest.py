"""Fixtures of the engine's tests."""

import importlib
import sys

import hypothesis
import pytest

from tests.engine import world as worlds
from tests.engine.world import World

# The same examples each time: a failure is one of the change at hand,
# however slow the machine is.
hypothesis.settings.register_profile(
    "engine", derandomize=True, deadline=None, database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("engine")


@pytest.fixture
def world() -> World:
    """An empty world; the one before is gone."""
    return World()


def _ours():
    return [name for name in sys.modules if name.partition(".")[0] in ("LinuxDump", "pykdump")]


_imported = {}      # they stay for the next test, with nothing remembered


@pytest.fixture
def library(monkeypatch):
    """A function that imports a module of LinuxDump over the engine, for this test alone."""
    for name in _ours():
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "crash", worlds.crash)
    monkeypatch.setitem(sys.modules, "_pykdump", worlds.pykdump)
    monkeypatch.syspath_prepend("pylib")
    sys.modules.update(_imported)
    memocaches = importlib.import_module("pykdump.memocaches")
    memocaches.purge_typeinfo()
    memocaches.forget_results()
    importlib.import_module("pykdump.structinfo").give_factories()
    yield importlib.import_module
    _imported.update({name: sys.modules.pop(name) for name in _ours()})
    worlds.pykdump.set_factories(varinfo=None, typeinfo=None, structinfo=None, enuminfo=None,
                                 nomember=None)
