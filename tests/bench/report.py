"""Results as a table for people, and as JSON."""

import json
import os
import platform
import re
import subprocess
from pathlib import Path
from statistics import median
from typing import Any, Optional

from tests.bench.measure import ABSENT, CRASH, DRGN, OURS, Result

# seconds for one piece of work -> the number that is shown; of a rate more is better
UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
RATES = {"GB/s": 1e-9}
HEADINGS = ("operation", "dump", "unit", "ours", "drgn", "crash", "drgn/ours", "wanted", "met")


def value(seconds: float, unit: str) -> float:
    """What is shown of so many seconds for each piece of work."""
    return RATES[unit] / seconds if unit in RATES else seconds * UNITS[unit]


def summary(result: Result) -> dict[str, Any]:
    """A result with everything that is derived from its samples."""
    row, unit = result.row, result.row.unit
    values = {runner: [value(sample, unit) for sample in samples]
              for runner, samples in result.samples.items() if samples}
    medians = {runner: median(numbers) for runner, numbers in values.items()}
    ratio = _ratio(medians, DRGN)
    wanted = row.wanted.get(result.format)
    return {
        "operation": row.name, "dump": result.format, "unit": unit,
        "median": medians, "samples": values, "problems": result.problems,
        "drgn_over_ours": ratio, "crash_over_ours": _ratio(medians, CRASH),
        "wanted_ratio": wanted, "wanted_limit": row.limit,
        "met": _met(result, medians.get(OURS), ratio, wanted),
    }


def _ratio(medians: dict[str, float], other: str) -> Optional[float]:
    if OURS not in medians or other not in medians:
        return None
    return medians[other] / medians[OURS]


def _met(result: Result, ours: Optional[float], ratio: Optional[float],
         wanted: Optional[float]) -> Optional[bool]:
    """Whether all that is wanted is met; None when nothing is wanted, or nothing known."""
    if OURS in result.problems:
        return False if wanted or result.row.limit else None
    verdicts = []
    if wanted is not None and ratio is not None:
        verdicts.append(ratio >= wanted)
    if result.row.limit is not None and ours is not None:
        rate = result.row.unit in RATES
        verdicts.append(ours >= result.row.limit if rate else ours <= result.row.limit)
    return all(verdicts) if verdicts else None


def table(summaries: list[dict[str, Any]]) -> str:
    """All results, one a line, as a table that is also Markdown."""
    lines = [list(HEADINGS), *map(_cells, summaries)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    lines.insert(1, ["-" * width for width in widths])
    text = "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths))
                     + " |" for line in lines)
    problems = [f"{entry['operation']} ({entry['dump']}): {runner}: {problem}"
                for entry in summaries for runner, problem in entry["problems"].items()]
    return "\n".join([text, "", *problems]) if problems else text


def _cells(entry: dict[str, Any]) -> list[str]:
    ratio = entry["drgn_over_ours"]
    met = {None: "", True: "yes", False: "NO"}[entry["met"]]
    return [entry["operation"], entry["dump"], entry["unit"],
            *(_spread(entry, runner) for runner in (OURS, DRGN, CRASH)),
            "" if ratio is None else f"{_short(ratio)}x", _wanted(entry), met]


def _spread(entry: dict[str, Any], runner: str) -> str:
    """Median and range of a runner's values."""
    if runner in entry["problems"]:
        return ABSENT if entry["problems"][runner].startswith(ABSENT) else "failed"
    numbers = entry["samples"].get(runner)
    if not numbers:
        return "-"
    return f"{_short(median(numbers))} ({_short(min(numbers))}-{_short(max(numbers))})"


def _wanted(entry: dict[str, Any]) -> str:
    parts = []
    if entry["wanted_limit"] is not None:
        sign = ">=" if entry["unit"] in RATES else "<="
        parts.append(f"{sign} {entry['wanted_limit']:g} {entry['unit']}")
    if entry["wanted_ratio"] is not None:
        parts.append(f">= {entry['wanted_ratio']:g}x")
    return ", ".join(parts)


def _short(number: float) -> str:
    """Three digits that count."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def machine(release: str) -> dict[str, Any]:
    """What it was measured on and with, without names."""
    cpu = re.search(r"(?m)^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"(?m)^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    versions = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${Version}\\n",
         "crash", "python3-drgn", "makedumpfile", "python3.11"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return {
        "cpu": cpu.group(1) if cpu else platform.machine(), "cpus": os.cpu_count(),
        "memory_mb": int(memory.group(1)) >> 10 if memory else None,
        "kernel": platform.release(), "load": os.getloadavg()[0], "dump": release,
        "packages": dict(line.split() for line in versions.splitlines()),
    }


def write_json(path: Path, description: dict[str, Any], summaries: list[dict[str, Any]]) -> None:
    """Everything, for programs."""
    path.write_text(json.dumps({"machine": description, "rows": summaries}, indent=1) + "\n")
