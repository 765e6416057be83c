"""Switches that modules register and pyctl changes."""

import types

import pytest

from pykdump.registry import convert


def load(switches, body, name="mymod", module=None):
    """Execute a module body that registers, as an import or a reload does."""
    module = module or types.ModuleType(name)
    module.registerModuleAttr = switches.registerModuleAttr
    exec(body, module.__dict__)
    return module


def test_registering_creates_the_variable_in_the_calling_module(switches):
    module = load(switches, 'registerModuleAttr("debugX", default=3)')
    assert module.debugX == 3
    assert switches.find("debugX").owner == "mymod"


def test_the_variable_of_the_module_is_the_truth(switches):
    module = load(switches, 'registerModuleAttr("debugX", default=0)')
    module.debugX = 7
    assert switches.value("debugX") == 7
    switches.set_values({"debugX": "2"})
    assert module.debugX == 2


def test_the_name_for_pyctl_may_differ_from_the_variable(switches):
    module = load(switches, 'registerModuleAttr("_dbg", "debugX", default=0)')
    switches.set_values({"debugX": "5"})
    assert module._dbg == 5
    with pytest.raises(switches.RegistryError):
        switches.find("_dbg")


def test_a_default_of_none_keeps_an_existing_variable(switches):
    module = load(switches, 'level = 4\nregisterModuleAttr("level")')
    assert module.level == 4


def test_a_set_value_outlives_a_reload_of_its_module(switches):
    body = 'registerModuleAttr("debugX", default=0)'
    module = load(switches, body)
    switches.set_values({"debugX": "2"})
    load(switches, body, module=module)
    assert module.debugX == 2


def test_a_set_value_outlives_an_import_as_a_new_module_object(switches):
    body = 'registerModuleAttr("debugX", default=0)'
    load(switches, body)
    switches.set_values({"debugX": "2"})
    assert load(switches, body).debugX == 2


def test_a_value_that_was_not_set_takes_the_new_default_at_a_reload(switches):
    module = load(switches, 'registerModuleAttr("debugX", default=0)')
    load(switches, 'registerModuleAttr("debugX", default=9)', module=module)
    assert module.debugX == 9


def test_a_cleared_value_is_not_set_any_more(switches):
    body = 'registerModuleAttr("debugX", default=0)'
    module = load(switches, body)
    switches.set_values({"debugX": "2"})
    switches.reset(["debugX"])
    assert module.debugX == 0
    load(switches, 'registerModuleAttr("debugX", default=9)', module=module)
    assert module.debugX == 9


def test_a_set_value_that_does_not_fit_the_new_type_is_dropped(switches):
    module = load(switches, 'registerModuleAttr("x", default="", type=str)')
    switches.set_values({"x": "abc"})
    load(switches, 'registerModuleAttr("x", default=1)', module=module)
    assert module.x == 1


def test_a_second_module_with_the_same_name_is_an_error_that_names_both(switches):
    load(switches, 'registerModuleAttr("debugX", default=0)', "one")
    with pytest.raises(switches.RegistryError, match="one.*two"):
        load(switches, 'registerModuleAttr("debugX", default=1)', "two")
    assert switches.find("debugX").owner == "one"


def test_an_attribute_of_an_object_can_be_registered(switches):
    class Thing:
        pass
    thing = Thing()
    switches.registerObjAttrHandler(thing, "level", default=1, pyctlname="thinglevel")
    switches.set_values({"thinglevel": "0x10"})
    assert thing.level == 16
    with pytest.raises(TypeError):
        switches.registerObjAttrHandler(thing, "other")


@pytest.mark.parametrize("text, wanted, value", [
    ("10", int, 10), ("-3", int, -3), ("0x1f", int, 31), ("0o17", int, 15), ("0b11", int, 3),
    ("007", int, 7), ("on", bool, True), ("False", bool, False), ("yes", bool, True),
    ("0", bool, False), ("1.5", float, 1.5), ("a b", str, "a b"), (5, int, 5)])
def test_text_becomes_a_value_of_the_registered_type(text, wanted, value):
    assert convert(text, wanted) == value
    assert type(convert(text, wanted)) is type(value)


@pytest.mark.parametrize("text, wanted", [
    ("", int), ("x", int), ("1.5", int), ("maybe", bool), ("2", bool), ("x", float)])
def test_text_of_another_type_is_refused_in_clear_words(text, wanted):
    with pytest.raises(ValueError, match="is not "):
        convert(text, wanted)


def test_several_switches_are_set_together_or_not_at_all(switches):
    module = load(switches, 'registerModuleAttr("a", default=0)\n'
                            'registerModuleAttr("b", default=0)')
    for bad in ({"a": "1", "b": "x"}, {"a": "1", "nothere": "1"}):
        with pytest.raises(switches.RegistryError):
            switches.set_values(bad)
        assert (module.a, module.b) == (0, 0)
    switches.set_values({"a": "1", "b": "2"})
    assert (module.a, module.b) == (1, 2)


def test_an_unknown_name_gets_a_suggestion(switches):
    load(switches, 'registerModuleAttr("debugDLKM", default=0)')
    with pytest.raises(switches.RegistryError, match="did you mean debugDLKM"):
        switches.find("debugDLK")


def test_the_owner_is_told_of_a_change_and_may_refuse_it(switches):
    told = []

    def refuse(value):
        told.append(value)
        if value == 13:
            raise ValueError("unlucky")

    switches.registerObjAttrHandler(types.SimpleNamespace(), "a", default=0)
    switches.registerObjAttrHandler(types.SimpleNamespace(), "b", default=0, on_change=refuse)
    with pytest.raises(switches.RegistryError, match="unlucky"):
        switches.set_values({"a": "1", "b": "13"})
    assert (switches.value("a"), switches.value("b")) == (0, 0)
    switches.set_values({"b": "2"})
    switches.reset()
    assert told == [13, 2, 0]


def test_switches_are_listed_in_the_order_of_their_first_registration(switches):
    one = load(switches, 'registerModuleAttr("z", default=0)', "one")
    load(switches, 'registerModuleAttr("a", default=0)', "two")
    load(switches, 'registerModuleAttr("z", default=0)', "one", module=one)
    assert [switch.name for switch in switches.switches()] == ["z", "a"]


def test_the_historical_names_work(switches):
    seen = []
    switches.PyCtl.regfunc("level", seen.append, default=0)
    switches.PyCtl.setCurentValue("level", "3")
    assert seen == [3]
    assert switches.PyCtl.TypeConv("level", "0x10") == 16
    assert switches.PyCtl.getDict()["level"][-1] == 3
