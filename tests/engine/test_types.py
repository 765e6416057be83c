"""Types found by their names."""

import struct

import pytest

from tests.engine.btfwriter import at
from tests.engine.world import World, pykdump


def test_one_of_several_definitions_is_chosen_by_its_number(world: World):
    btf = world.btf
    btf.struct("twice", 4, at("x", world.s32))
    btf.struct("twice", 8, at("y", world.s64))
    world.load()
    assert pykdump.type_size("struct twice") == pykdump.type_size("struct twice#0") == 4
    assert pykdump.type_size("struct twice#1") == 8
    address = world.place(struct.pack("<q", -5))
    assert pykdump.readSU("struct twice#1", address).y == -5
    for wrong in ("struct twice#2", "struct twice#", "struct twice#x", "struct twice#1x"):
        with pytest.raises(TypeError):
            pykdump.type_size(wrong)
