"""What sockets there are, what is unusual with them, and which interfaces send."""

from __future__ import annotations

from typing import Any

from LinuxDump.inet import summary


def show(verbose: int) -> None:
    """Print sums of sockets and interfaces."""
    summary.TCPIP_Summarize()
    summary.IF_Summarize()


def data() -> dict[str, Any]:
    """Sockets by kind and state, what is unusual, full buffers, and interfaces."""
    found = summary.summarize()._asdict()
    found["full"] = [{**each._asdict(), "sock": f"0x{each.sock:x}"} for each in found["full"]]
    return {**found, "interfaces": [{**each._asdict(), "address": f"0x{each.address:x}"}
                                    for each in summary.interfaces()]}
