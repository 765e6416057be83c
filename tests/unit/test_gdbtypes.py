"""The dictionaries that programs get for descriptions of types."""

import crash
import pytest

from pykdump import gdbtypes

INT = ("int", "int", 4, True, 0, None, None)
ULONG = ("int", "long unsigned int", 8, False, 0, None, None)
VOID = ("void", "void", 0, False, 0, None, None)
LIST = ("struct", "list_head", 16, False, 0, None, None)


def pointer(target):
    return ("pointer", None, 8, False, 0, target, None)


def array(length, target):
    return ("array", None, length * target[2], False, length, target, None)


def typedef(name, target):
    return ("typedef", name, target[2], False, 0, target, None)


@pytest.fixture
def described(monkeypatch):
    """A dict: what the engine says of a text; TypeError for others."""
    known = {}

    def describe(text):
        if text not in known:
            raise TypeError(f"no type {text}")
        return known[text]

    monkeypatch.setattr(gdbtypes._pykdump, "describe_type", describe, raising=False)
    monkeypatch.setattr(gdbtypes._pykdump, "describe_expression", describe, raising=False)
    monkeypatch.setattr(crash, "sym2addr", {"entry": 1, "nodebug": 2}.get, raising=False)
    monkeypatch.setattr(crash, "get_GDB_output", lambda line: {
        "whatis nodebug": "type = <data variable, no debug info>\n"}.get(line), raising=False)
    return known


def info(described, description):
    described["x"] = description
    return gdbtypes.gdb_typeinfo("x")


def test_numbers(described):
    assert info(described, INT) == {"basetype": "int", "codetype": 8, "typelength": 4, "uint": 0}
    assert info(described, typedef("u", typedef("v", ULONG))) == {
        "basetype": "unsigned long", "codetype": 8, "typelength": 8, "uint": 1, "typedef": "u"}
    assert info(described, ("bool", "_Bool", 1, False, 0, None, None)) == {
        "basetype": "_Bool", "codetype": 21, "typelength": 1}


def test_pointers_have_stars_and_the_code_of_what_they_lead_to(described):
    assert info(described, pointer(pointer(typedef("l", LIST)))) == {
        "basetype": "struct list_head", "codetype": 1, "typelength": 8, "stars": 2,
        "ptrbasetype": 3, "typedef": "l"}


def test_arrays_have_the_length_of_an_element(described):
    assert info(described, array(3, array(0, INT))) == {
        "basetype": "int", "codetype": 8, "typelength": 4, "uint": 0, "dims": [3, 0]}
    assert info(described, array(4, pointer(VOID))) == {
        "basetype": "void", "codetype": 1, "typelength": 8, "stars": 1, "ptrbasetype": 10,
        "dims": [4]}


def test_members_are_listed_with_their_places(described):
    members = [("a", 0, 3, INT), ("b", 64, 0, LIST)]
    assert info(described, ("union", None, 24, False, 0, None, members)) == {
        "basetype": "union", "codetype": 4, "typelength": 24, "body": [
            {"basetype": "int", "codetype": 8, "typelength": 4, "uint": 0, "fname": "a",
             "bitoffset": 0, "bitsize": 3},
            {"basetype": "struct list_head", "codetype": 3, "typelength": 16, "fname": "b",
             "bitoffset": 64}]}


def test_enumerators_are_pairs(described):
    assert info(described, ("enum", "e", 4, True, 0, None, [("A", -1), ("B", 0)])) == {
        "basetype": "enum e", "codetype": 5, "typelength": 4, "edef": [["A", -1], ["B", 0]]}


def test_functions_have_a_prototype(described):
    function = ("function", None, 0, False, 0, VOID, [INT, pointer(LIST)])
    prototype = info(described, pointer(function))["prototype"]
    assert [(each["fname"], each["basetype"]) for each in prototype] == [
        ("returntype", "void"), ("arg0", "int"), ("arg1", "struct list_head")]
    described["f"] = function
    assert gdbtypes.gdb_whatis("f") == {"basetype": "(func)", "codetype": 7, "typelength": 1,
                                        "prototype": prototype, "fname": "f"}


def test_a_symbol_without_debug_information_is_told_as_gdb_does(described):
    assert gdbtypes.gdb_whatis("nodebug") == {
        "basetype": "<data variable, no debug info>", "codetype": 14, "typelength": 0,
        "fname": "nodebug"}


@pytest.mark.parametrize("text", ["nope", "entry", "a + b", ""])
def test_what_is_unknown_is_crashs_error(described, text):
    for function in (gdbtypes.gdb_typeinfo, gdbtypes.gdb_whatis):
        with pytest.raises(crash.error, match="PyKdump/GDB error"):
            function(text)


def test_only_text_is_asked_for(described):
    for function in (gdbtypes.gdb_typeinfo, gdbtypes.gdb_whatis):
        with pytest.raises(crash.error, match="invalid parameter type"):
            function(5)
