"""How the dump has been made: whether somebody asked for it, or what the kernel died of."""

from __future__ import annotations

import re
from typing import Any

from LinuxDump import panics
from LinuxDump.logmarks import before_panic, kernel_messages, line_around
from LinuxDump.panics import Panic
from pykdump.API import sys_info

_SYSRQ = {"trigger": "programmatically (via sysrq-trigger)", "keyboard": "via keyboard",
          "serial": "via serial line", "": "???"}
# Lines that say what the kernel did wrong.
_WRONG = re.compile(r"general protection fault|kernel BUG at|[Uu]nable to handle kernel"
                    r"|unable to handle page fault|NULL pointer dereference|^BUG: |divide error"
                    r"|stack guard page|list_(?:add|del) corruption",
                    re.M)
_BY_KERNEL = frozenset({"null-dereference", "bad-pointer", "bug", "list-corruption",
                        "slab-corruption", "exception", "stack-overflow", "double-fault"})
_REASONS = {
    "machine-check": "MCE", "nmi": "NMI", "hard-lockup": "watchdog", "soft-lockup": "watchdog",
    "hung-task": "hung task", "rcu-stall": "RCU stall", "oom": "out of memory",
    "cgroup-oom": "out of memory in a cgroup", "scheduling-while-atomic": "panic_on_warn",
    "warning": "panic_on_warn", "stack-corruption": "stack protector",
    "init-died": "init has ended", "no-root": "no root filesystem",
}


def show(verbose: int) -> None:
    """Print what happened, and the line that gives the reason."""
    what, reasons = _told(panics.panic())
    print(f"   *** {what} ***")
    for reason in reasons:
        print(f"     {reason}")


def data() -> dict[str, Any]:
    """The cause as the finding's id has it, and the lines that are printed."""
    panic = panics.panic()
    what, reasons = _told(panic)
    return {"cause": panic.cause, "what": what, "reasons": reasons, "message": panic.message}


def _told(panic: Panic) -> tuple[str, list[str]]:
    if sys_info.livedump:
        return "This is a live kernel", []
    if panic.cause == "sysrq":
        return "Dump was triggered by sysrq", [_SYSRQ[panics.sysrq_way(panic)]]
    if panic.cause in _BY_KERNEL:
        return "Dump was triggered by kernel", _lines()
    if panic.cause == "none":
        return "Dump was taken of a running kernel", []
    if panic.cause == "unknown":
        return "Cannot identify the specific condition that triggered vmcore", \
            [panic.message] if panic.message else []
    reason = _REASONS.get(panic.cause)
    return "Panic", [*([reason] if reason else []), *([panic.message] if panic.message else []),
                     *_lines()]


def _lines() -> list[str]:
    """What the log says last of what went wrong."""
    found = ((record.text, _WRONG.search(record.text))
             for record in before_panic(kernel_messages()))
    return [line_around(text, hit.start()) for text, hit in found if hit][-1:]
