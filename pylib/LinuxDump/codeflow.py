"""Owns what registers and stack slots hold at a place in a function, in terms of its entry.

All ways from the entry to the place are followed and what they agree on is kept: what it tells is
so however the place was reached, as far as the code is a function's that keeps to the ABI.  Must
not know any stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import takewhile
from typing import NamedTuple

from LinuxDump import codetables
from LinuxDump.codemachine import Machine
from LinuxDump.codevalues import ENTRY_SP, State, Value
from LinuxDump.machinecode import Code, Insn
from pykdump.API import CU_LIVE, CU_LOAD, addr2sym, memoize_cond

_MOST_INSNS = 20_000
_MOST_VISITS = 64       # of a block
_MOST_ROUNDS = 8
# Where a function is left, not to come back.
_ENDS = frozenset(("ret", "retf", "retfq", "iretq", "sysretq", "sysret", "int3"))


def function_start(address: int) -> int | None:
    """Address of the symbol that an address is in; None if in none."""
    name, offset = addr2sym(address, True)
    return None if name is None or offset is None else address - offset


class Flow:
    """A function, from its entry on: its instructions, and the state at each block.

    entry    its address
    whole    have all ways through it been followed
    """

    def __init__(self, entry: int) -> None:
        self.entry = entry
        self.whole = True
        self._code = Code()
        self._fixups, self._switched = codetables.fixups(), codetables.switched()
        self._name = _plain(addr2sym(entry, True)[0])
        self._insns: dict[int, Insn] = {}
        self._next: dict[int, list[int]] = {}
        self._leaders = {entry}
        self._explore()
        self._machine = Machine()
        self._before: dict[int, State] = {}
        for _round in range(_MOST_ROUNDS):      # what is learnt of the stack on the way counts
            known = dict(self._machine.lowest)
            self._solve()
            if known == self._machine.lowest:
                break
        else:
            self.whole = False

    def _explore(self) -> None:
        pending = [self.entry]
        while pending:
            address = pending.pop()
            while address not in self._insns:
                insn = self._code.at(address)
                if insn is None or len(self._insns) >= _MOST_INSNS:
                    self.whole = False
                    break
                self._insns[address] = insn
                onward, jumps = self._successors(insn)
                self._next[address] = onward + jumps
                self._leaders.update(jumps)
                if jumps:
                    self._leaders.update(onward)
                pending += jumps
                if not onward:
                    break
                address = onward[0]

    def _successors(self, insn: Insn) -> tuple[list[int], list[int]]:
        """(where it goes on, where it may jump to), within the function."""
        target = insn.target
        onward = [] if insn.name in _ENDS or insn.name == "jmp" else [insn.end]
        jumps = list(self._fixups.get(insn.address, ()))
        if target is not None and (insn.name[0] == "j" or insn.name.startswith("loop")):
            jumps.append(target)
        for place in self._switched.get(insn.address, ()):
            jumps += [place, insn.end]
        return ([place for place in onward if self._is_inside(place)],
                [place for place in dict.fromkeys(jumps) if self._is_inside(place)])

    def _is_inside(self, address: int) -> bool:
        name, offset = addr2sym(address, True)
        if name is None or offset is None:
            return False
        return address - offset == self.entry or (
            _plain(name) == self._name and ".cold" in name + (addr2sym(self.entry) or ""))

    def _blocks(self, leader: int) -> Iterator[Insn]:
        """The instructions from a leader to the next one."""
        insn = self._insns.get(leader)
        while insn is not None:
            yield insn
            following = self._next[insn.address]
            if len(following) != 1 or following[0] in self._leaders:
                return
            insn = self._insns.get(following[0])

    def _solve(self) -> None:
        self._before = {self.entry: State()}
        pending, visits = [self.entry], 0       # a heap: what comes first is likely to be first
        while pending:
            leader = heappop(pending)
            visits += 1
            if visits > _MOST_VISITS * len(self._leaders):
                self.whole = False
                self._before.clear()
                return
            state = self._before[leader].copy()
            last = None
            for last in self._blocks(leader):
                faults = self._fixups.get(last.address)
                before = state.copy() if faults else None
                self._machine.run(state, last)
                for place in faults or ():
                    if before is not None and place in self._insns:
                        self._reach(place, before, pending)
            if last is None:
                continue
            if last.name == "jmp" and last.target is None and \
                    state.registers["rsp"] != (ENTRY_SP, 0):
                self.whole = False      # a table tells where it goes on
            for place in self._next[last.address]:
                if place in self._insns:
                    self._reach(place, state, pending)

    def _reach(self, leader: int, state: State, pending: list[int]) -> None:
        known = self._before.get(leader)
        if known is None:
            self._before[leader] = state.copy()
        elif not known.meet(state):
            return
        if leader not in pending:
            heappush(pending, leader)

    def call_before(self, address: int) -> Insn | None:
        """The call whose return address it is; None if it is none of the function's."""
        calls = (insn for insn in self._insns.values() if insn.name == "call")
        return next((insn for insn in calls if insn.end == address), None)

    def insn(self, address: int) -> Insn | None:
        """The instruction at an address; None if it is none of the function's."""
        return self._insns.get(address)

    def state_before(self, address: int) -> State | None:
        """What is held when an instruction is about to run; None if it was not reached."""
        for leader, before in self._before.items():
            block = list(self._blocks(leader))
            if any(insn.address == address for insn in block):
                state = before.copy()
                for insn in takewhile(lambda insn: insn.address != address, block):
                    self._machine.run(state, insn)
                return state
        return None

    def is_private(self, where: Value) -> bool:
        """Is a slot of the stack changed by the function alone."""
        return self._machine.is_private(where)

    def distance(self, setter: int, call: int) -> int:
        """How many instructions from one that set a register to a call, as they lie in memory."""
        if setter >= call:
            return len(self._insns)
        return sum(1 for address in self._insns if setter <= address < call)


def _plain(name: str | None) -> str | None:
    """A name without what the compiler adds for the part that is seldom run."""
    return None if name is None else name.split(".cold")[0]


class Site(NamedTuple):
    """A place in a function where it calls another, or was interrupted.

    entry      the function's address
    insn       the call, or what was to run next
    state      what was held before it
    private    the slots that the function alone changes
    distances  register -> how many instructions before the call it was set
    whole      have all ways through the function been followed: else there may be others
    """

    entry: int
    insn: Insn
    state: State
    private: frozenset[Value]
    distances: dict[str, int]
    whole: bool


@memoize_cond(CU_LIVE | CU_LOAD)
def site_of(entry: int, address: int, is_return: bool) -> Site | None:
    """The place of an instruction in the function that begins at `entry`.

    With `is_return` that of the call before it.  None if no way from the entry leads there.
    """
    flow = Flow(entry)
    insn = flow.call_before(address) if is_return else flow.insn(address)
    state = flow.state_before(insn.address) if insn is not None else None
    if insn is None or state is None:
        return None
    return Site(entry, insn, state, frozenset(filter(flow.is_private, state.slots)),
                {name: flow.distance(setter, insn.address)
                 for name, setter in state.set_at.items()}, flow.whole)
