"""How much memory all processes have together."""

from __future__ import annotations

from typing import Any

from LinuxDump.taskmem import memory_of_all
from pykdump.API import PAGESIZE, crash, readULong, sym2addr


def show(verbose: int) -> None:
    """Print the sum of what is resident; pages that are shared count for each."""
    found = data()
    percent = "" if found["percent"] is None else f", %mem={found['percent']:7.1f}"
    print(f"RSS_TOTAL={found['pages']} pages{percent}")


def data() -> dict[str, Any]:
    """Resident pages of all processes, and their percentage of the machine's."""
    pages = sum(size.rss for _task, size in memory_of_all()) // PAGESIZE
    total = _total()
    return {"pages": pages, "percent": round(pages * 100 / total, 1) if total else None}


def _total() -> int:
    """Pages that the machine has; 0 if that is not known."""
    address = sym2addr("_totalram_pages")       # 5.0: ca79b0c211af; before: totalram_pages
    try:
        return readULong(address or sym2addr("totalram_pages"))
    except crash.error:
        return 0
