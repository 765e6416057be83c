"""Owns socket buffers and the queues they are on.

Must not know sockets nor protocols.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pykdump.API import pylog, readSU, walk_list

_MAX_BUFFERS = 1_000_000


def walk_skb(head: Any) -> Iterator[Any]:
    """struct sk_buff of a struct sk_buff_head; damage is reported in the log."""
    # `next` and `prev` come first in both, as in a list_head.
    found, report = walk_list(head, limit=_MAX_BUFFERS)
    for node in found:
        yield readSU("struct sk_buff", node)
    if not report.whole:
        pylog.error(f"queue of socket buffers at 0x{head:x}: {report}")


def skb_shinfo(skb: Any) -> Any:
    """struct skb_shared_info, which is behind a buffer's data."""
    end = int(skb.end)      # on 64-bit kernels an offset from the head
    is_offset = end < 1 << 32
    return readSU("struct skb_shared_info", int(skb.head) + end if is_offset else end)
