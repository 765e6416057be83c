"""`--reload`: what is loaded again, and what happens when that fails."""

import importlib
import io
import os
import sys

import pytest

from pykdump import archive, memocaches, registry, reload
from pykdump.Generic import DCache


@pytest.fixture
def tree(plugin, monkeypatch):
    """Modules on disk that can be imported, and a way to reload them."""
    plugin.start()
    plugin.directory = plugin.user
    plugin.output = io.StringIO()

    def write(in_packages=None, **files):
        for name, text in {**(in_packages or {}), **files}.items():
            file = plugin.user / f"{name}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)

    def load(*names):
        importlib.invalidate_caches()
        return [importlib.import_module(name) for name in names]

    def again():
        plugin.output.seek(0)
        plugin.output.truncate()
        plugin.report = reload.reload_user_modules(plugin.output)
        return plugin.output.getvalue()

    plugin.write, plugin.load, plugin.again = write, load, again
    monkeypatch.setattr(reload, "_subscribers", [])
    return plugin


def test_an_edited_module_takes_effect_in_the_same_object(tree):
    tree.write(mod="x = 1")
    mod, = tree.load("mod")
    tree.write(mod="x = 22")
    assert tree.again() == ""
    assert sys.modules["mod"] is mod and mod.x == 22
    assert tree.report.reloaded == ["mod"]


def test_an_edit_within_the_same_second_and_of_the_same_size_takes_effect(tree, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    tree.write(mod="x = 1")
    mod, = tree.load("mod")
    assert mod.__cached__ and os.path.exists(mod.__cached__)
    times = os.stat(mod.__file__)
    tree.write(mod="x = 2")
    os.utime(mod.__file__, ns=(times.st_atime_ns, times.st_mtime_ns))
    tree.again()
    assert mod.x == 2


def test_a_module_that_is_not_python_any_more_stays_and_the_others_go_on(tree):
    tree.write(bad="x = 1", good="x = 1")
    bad, good = tree.load("bad", "good")
    tree.write(bad="x = 2\ny = (", good="x = 2")
    assert tree.again() == ("--reload: bad stays as it was\n"
                            f"    {bad.__file__}, line 2: SyntaxError: '(' was never closed\n")
    assert (sys.modules["bad"] is bad, bad.x, good.x) == (True, 1, 2)
    assert list(tree.report.failed) == ["bad"]


@pytest.mark.parametrize("fault, shown", [
    ("1 / 0", "ZeroDivisionError: division by zero"),
    ("raise SystemExit(3)", "SystemExit: 3"),
    ("import nothere_at_all", "ModuleNotFoundError: No module named 'nothere_at_all'")])
def test_a_module_that_fails_while_loaded_is_as_if_nothing_had_been(tree, fault, shown):
    tree.write(mod="x = 1\ndef f():\n    return x")
    mod, = tree.load("mod")
    before = dict(vars(mod))
    tree.write(mod=f"x = 2\ndel f\nnew = 1\n{fault}")
    assert tree.again() == ("--reload: mod stays as it was\n"
                            f"    {mod.__file__}, line 4: {shown}\n")
    assert vars(mod) == before and mod.f() == 1


def test_a_deleted_file_is_told_and_its_module_stays(tree):
    tree.write(mod="x = 1")
    mod, = tree.load("mod")
    os.unlink(mod.__file__)
    assert "mod stays as it was" in (output := tree.again()) and "the file is gone" in output
    assert sys.modules["mod"].x == 1


def test_ctrl_c_while_reloading_leaves_whole_modules(tree):
    tree.write(mod="x = 1")
    mod, = tree.load("mod")
    tree.write(mod="x = 2\nraise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        tree.again()
    assert mod.x == 1


def test_packages_are_reloaded_before_their_submodules(tree):
    tree.write({"pkg/__init__": "level = 1", "pkg/a": "from . import level\nx = level",
                "pkg/b": "from .a import x\ny = x"})
    tree.load("pkg.b")
    tree.write({"pkg/__init__": "level = 2"})
    tree.again()
    assert tree.report.reloaded == ["pkg", "pkg.a", "pkg.b"]
    assert sys.modules["pkg.b"].y == 2


def test_names_taken_from_a_reloaded_module_are_the_new_ones(tree):
    tree.write(user_of="from base_of import x", base_of="x = 1")
    user, _ = tree.load("user_of", "base_of")
    tree.write(base_of="x = 2")
    tree.again()
    assert user.x == 2


def test_namespace_packages_and_c_modules_are_left_alone(tree):
    (tree.user / "space").mkdir()
    tree.write({"space/mod": "x = 1"})
    tree.load("space.mod")
    tree.again()
    assert tree.report.reloaded == ["space.mod"]


def test_framework_and_libraries_are_never_reloaded(tree):
    tree.load("json", "pytest")
    tree.again()
    assert tree.report.reloaded == []


@pytest.fixture
def no_linuxdump():
    """LinuxDump is not imported yet, and what a test has imported in its place goes with it."""
    def ours():
        return {name: module for name, module in sys.modules.items()
                if name.partition(".")[0] == "LinuxDump"}
    before = ours()
    for name in before:
        del sys.modules[name]
    yield
    for name in ours():
        del sys.modules[name]
    sys.modules.update(before)


def test_linuxdump_in_the_archive_is_reloaded_when_the_archive_is_replaced(tree, no_linuxdump):
    tree.members["LinuxDump/__init__.py"] = ""
    tree.members["LinuxDump/percpu.py"] = "x = 1"
    tree.write_archive()
    archive.refresh()
    percpu, = tree.load("LinuxDump.percpu")
    tree.members["LinuxDump/a.py"] = "# moves the others in the archive\n"
    tree.members["LinuxDump/percpu.py"] = "x = 'longer than before'"
    tree.write_archive()
    archive.refresh()
    assert tree.again() == ""
    assert percpu.x == "longer than before"
    assert tree.report.reloaded == ["LinuxDump", "LinuxDump.percpu"]


def test_the_report_is_as_documented(tree):
    tree.write({"pkg/__init__": "", "pkg/mod": ""})
    tree.load("pkg.mod")
    assert tree.again() == ""
    registry.set_values({"debugReload": "1"})
    assert tree.again() == "--reloading pkg\n--reloading pkg.mod\n"
    registry.set_values({"debugReload": "2"})
    assert tree.again() == (f"pkg {tree.user}/pkg/__init__.py\n--reloading pkg\n"
                            f"pkg.mod {tree.user}/pkg/mod.py\n--reloading pkg.mod\n")


def test_a_switch_set_with_pyctl_survives_the_reload_of_its_module(tree, monkeypatch):
    monkeypatch.setattr(registry, "_switches", dict(registry._switches))
    tree.write(mod="from pykdump.Generic import registerModuleAttr\n"
                   "registerModuleAttr('debugMine', default=0)")
    mod, = tree.load("mod")
    registry.set_values({"debugMine": "2"})
    tree.again()
    assert mod.debugMine == 2


def test_what_was_computed_by_the_old_code_is_dropped(tree):
    tree.write(mod="from pykdump.memocaches import memoize_cond, CU_LOAD\n"
                   "@memoize_cond(CU_LOAD)\n"
                   "def f():\n    return 1")
    mod, = tree.load("mod")
    other = memocaches.memoize_cond(memocaches.CU_PYMOD)(lambda: object())
    old = other()
    assert mod.f() == 1
    DCache.tmp.x = DCache.perm.y = 1
    tree.write(mod=open(mod.__file__).read().replace("return 1", "return 2"))
    tree.again()
    assert mod.f() == 2 and other() is not old
    assert DCache.tmp.x is None and DCache.perm.y == 1
    DCache.perm.clear()


def test_subscribers_hear_of_a_reload_before_the_modules_register_anew(tree):
    heard = []
    tree.write(mod="x = 1")
    mod, = tree.load("mod")
    tree.write(mod="x = 2")
    reload.on_reload(lambda names: heard.append((names, mod.x)))
    tree.again()
    assert heard == [(["mod"], 1)]


def test_reload_on_a_command_line_sees_modules_beside_the_program(tree):
    tree.write(prog="import beside\nprint(beside.x)", beside="x = 1")
    assert tree.body(f"epython {tree.cwd}/../user/prog") == "1\n"
    tree.write(beside="import sibling\nx = sibling.y", sibling="y = 7")
    assert tree.body(f"epython {tree.cwd}/../user/prog --reload") == "7\n"
