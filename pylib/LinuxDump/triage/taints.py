"""Finds modules that taint the kernel: those that are part of why it died, and all others."""

from __future__ import annotations

from collections.abc import Iterator

from LinuxDump import panics
from LinuxDump.dlkm import tainting_modules

from .finding import Evidence, Finding, Severity

_SHOWN = 10
_SUSPECT = set("PFOE")      # proprietary, forced, out of tree, not signed


def findings() -> Iterator[Finding]:
    """One finding of a module in the stack to blame, one of the others."""
    tainting = {module.name: module for module in tainting_modules()}
    blamed = [name for name in _blamed()
              if name in tainting and _SUSPECT & set(tainting[name].letters)]
    for module in map(tainting.__getitem__, blamed):
        yield Finding("modules.guilty", Severity.WARNING,
                      f"Module {module.name}, which taints the kernel ({module.letters}), is on "
                      "the stack that the kernel died of.",
                      (Evidence("module", module.name, int(module.module)),),
                      f"modinfo --details={module.name}")
    others = [module for name, module in tainting.items() if name not in blamed]
    if others:
        shown = others[:_SHOWN]
        named = ", ".join(f"{module.name} ({module.letters})" for module in shown)
        more = ", ..." if len(others) > _SHOWN else ""
        yield Finding("modules.tainting", Severity.NOTE,
                      f"Modules that taint the kernel: {named}{more}.",
                      tuple(Evidence("module", f"{module.name} {module.letters}",
                                     int(module.module)) for module in shown), "modinfo -t")


def _blamed() -> list[str]:
    """Modules on the stack from the guilty frame outwards, each once."""
    panic = panics.panic()
    if not panic.guilty or panic.cause == "sysrq":
        return []
    frames = panic.stack.frames if panic.stack else []
    if panic.guilty in frames:
        frames = frames[frames.index(panic.guilty):]
    else:
        frames = [panic.guilty]         # which the log has told
    return list(dict.fromkeys(frame.module for frame in frames if frame.module))
