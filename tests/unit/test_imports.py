"""The order in which modules must be loaded again."""

from pykdump.imports import in_order


def order(packages=(), **sources):
    names = {name.replace("__", "."): text for name, text in sources.items()}
    return in_order({name: compile(text, name, "exec") for name, text in names.items()}, packages)


def test_modules_that_do_not_know_each_other_keep_their_order():
    assert order(b="", a="import os") == ["b", "a"]


def test_a_module_is_after_what_it_imports():
    assert order(a="import c", b="from a import x", c="") == ["c", "a", "b"]


def test_imports_within_functions_do_not_count():
    assert order(a="def f():\n    import b", b="") == ["a", "b"]


def test_imports_under_conditions_and_in_classes_of_many_names_count():
    many = "\n".join(f"x{i} = 'text {i}'" for i in range(300))
    assert order(a=f"{many}\nif 1:\n    import b.c", b="", b__c="", packages=("b",)) \
        == ["b", "b.c", "a"]


def test_a_package_is_before_its_submodules():
    assert order(p__a="", p="", packages=("p",)) == ["p", "p.a"]


def test_a_package_that_imports_its_submodule_is_after_it():
    assert order(p="from .a import x", p__a="", packages=("p",)) == ["p.a", "p"]
    assert order(p="from . import a", p__a="from .b import y", p__b="", packages=("p",)) \
        == ["p.b", "p.a", "p"]


def test_relative_imports_are_understood_at_each_level():
    assert order(p="", p__q="", p__q__a="from ..b import x", p__b="", packages=("p", "p.q")) \
        == ["p", "p.q", "p.b", "p.q.a"]


def test_a_cycle_is_broken_at_its_first_member():
    assert order(a="import b", b="import a", c="import a") == ["a", "b", "c"]
