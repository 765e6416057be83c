"""Bit fields of every place and width, compared with Python's own arithmetic."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.btfwriter import Member, at
from tests.engine.world import World

places = st.tuples(st.integers(0, 500), st.integers(1, 64), st.booleans())


@given(st.lists(places, min_size=1, max_size=12), st.binary(min_size=72, max_size=72),
       st.integers(0, 64), st.booleans())
@settings(max_examples=150)
def test_a_bit_field_is_what_its_bits_say(fields, data, base, nested):
    world = World()
    members = [Member(f"m{i}", world.s64 if signed else world.u64, offset, width)
               for i, (offset, width, signed) in enumerate(fields)]
    if nested:
        inner = world.btf.struct(0, 72, *members)
        world.btf.struct("s", 72 + base, at("", inner, base))
    else:
        base = 0
        world.btf.struct("s", 72, *members)
    value = world.struct("struct s", bytes(base) + data)
    word = int.from_bytes(data, "little")
    for i, (offset, width, signed) in enumerate(fields):
        expected = word >> offset & (1 << width) - 1
        if signed and expected >> width - 1:
            expected -= 1 << width
        assert getattr(value, f"m{i}") == expected
