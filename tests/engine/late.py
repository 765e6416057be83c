"""A program whose objects live until the interpreter ends, and use the engine even then.

Run by test_crash_functions.py in a process of its own. At the end modules are cleared in an order
of Python's own choice; whatever then still can be asked may fail, but must not crash.
"""

import builtins
import struct
import sys
from contextlib import suppress

from tests.engine.btfwriter import at
from tests.engine.world import World, crash, pykdump

world = World()
world.btf.struct("s", 16, at("x", world.s32), at("p", world.btf.pointer(world.s32), 8))
world.btf.struct("arrays", 32, at("open", world.btf.array(world.s32, 0)),
                 at("many", world.btf.array(world.btf.pointer(world.s32), 2)),
                 at("one", world.btf.array(world.btf.pointer(world.s32), 1)))


class Late:
    """Asks everything when it dies."""

    def __init__(self) -> None:
        self.made = made = world.struct("struct s", struct.pack("<QQ", 1, 0x1000))
        read, value, nodes = pykdump.readSU, pykdump.read_value, pykdump.list_nodes
        pointer, text, error = made.p, crash.SmartString(b"x"), Exception
        arrays = world.struct("struct arrays", bytes(32))
        opened, many, one, filled = arrays.open, arrays.many, arrays.one, arrays.many
        repr(filled)
        made.note = self
        self.actions = (
            lambda: made.x, lambda: made.p, lambda: made + 1, lambda: 1 + made, lambda: made[1],
            lambda: str(made), lambda: made.nope, lambda: made.castTo("struct s"),
            lambda: made.Eval("x"), lambda: pointer.Deref, lambda: repr(pointer),
            lambda: made.note, lambda: setattr(made, "x", 1), lambda: type(made).PYT_symbol,
            lambda: made["x"], lambda: made.Dump(), lambda: pointer.ti, lambda: opened[0],
            lambda: repr(opened), lambda: many[0], lambda: repr(many), lambda: [*many],
            lambda: one[0], lambda: filled[0], lambda: filled[5], lambda: repr(filled),
            lambda: text[0],
            lambda: text.addr, lambda: read("struct s", 0), lambda: read("struct nope", 0),
            lambda: read("struct s", 0).p, lambda: value("int", 0x1000), lambda: nodes(0, 0, 1),
            lambda: type(made)(1), lambda: type(made)("x"), lambda: type(text)(b"y"))
        self.error, self.suppress = error, suppress

    def __del__(self) -> None:
        for action in self.actions:
            with self.suppress(self.error):
                action()


late = Late()
late.cycle = late  # type: ignore[attr-defined]
sys.late = Late()  # type: ignore[attr-defined]
builtins.late = Late()  # type: ignore[attr-defined]
