"""Owns the control of the engine's page cache: its size, and what it has done.

Must not know who reads memory.
"""

from __future__ import annotations

import _pykdump

from .registry import registerModuleAttr

_PAGE = 4096
_DEFAULT = 16384        # 64 MiB

cachePages: int


def _resize(pages: object) -> None:
    assert isinstance(pages, int)
    if _pykdump.dump_info()["live"] and pages:
        raise ValueError("memory of a live system is not cached")
    _pykdump.cache_set_pages(pages)


registerModuleAttr("cachePages", default=_DEFAULT, on_change=_resize, listed=False,
                   help="pages of memory kept (4 KiB each, 0: none)")


def statistics() -> dict[str, int | str]:
    """What is cached, by name; sizes in pages."""
    cache = _pykdump.cache_statistics()
    asked = cache["hits"] + cache["misses"]
    share = f"{100 * cache['hits'] / asked:.1f} %" if asked else "nothing was read"
    return {
        "pages held": cache["pages"], "pages at most": cache["capacity"],
        "bytes held": cache["pages"] * _PAGE, "reads from the cache": cache["hits"],
        "pages read": cache["misses"], "pages unreadable": cache["failed"], "hit rate": share,
        "types from": _pykdump.types_source() or "nowhere",
    }


def forget() -> None:
    """Read all memory anew when it is wanted."""
    _pykdump.purge_caches("memory")
