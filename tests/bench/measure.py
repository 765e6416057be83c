"""Takes the samples: all runners in turn, so that what disturbs the machine disturbs all alike."""

import os
import subprocess
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional

from tests.bench.rows import Row, Snippet
from tests.bench.runners import Absent, BenchError, Crash, Drgn, Worker

OURS, DRGN, CRASH = "ours", "drgn", "crash"
NAMES = 400
ABSENT = "not there yet"
DIFFERENT = "its answer is not drgn's"
Sampler = Callable[[], float]


@dataclass(frozen=True)
class Effort:
    """How much is done."""

    starts: int             # sessions of crash, two at least
    samples: int            # of each repeated row and runner
    seconds: float          # that a sample takes at least


FULL = Effort(starts=5, samples=7, seconds=0.1)
QUICK = Effort(starts=2, samples=5, seconds=0.01)


@dataclass
class Result:
    """A row over one dump file: seconds for each unit of work, by runner."""

    row: Row
    format: str
    samples: dict[str, list[float]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """What is measured: a dump file in one format, and the plug-in."""

    format: str
    vmlinux: Path
    vmcore: Path
    plugin: Path


class Sessions:
    """Everything that runs on one target; leaving the block ends it all."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._stack = ExitStack()

    def __enter__(self) -> "Sessions":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def crash(self) -> Crash:
        """One more crash."""
        home = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        crash = Crash(self._target.vmlinux, self._target.vmcore, home)
        self._stack.callback(crash.close)
        return crash

    def drgn(self) -> Drgn:
        """One more process with drgn."""
        drgn = Drgn(self._target.vmlinux, self._target.vmcore)
        self._stack.callback(drgn.close)
        return drgn


def measure(target: Target, first: tuple[Row, ...], repeated: tuple[Row, ...], effort: Effort,
            note: Callable[[str], None]) -> list[Result]:
    """All rows over one target."""
    results = [Result(row, target.format) for row in first]
    with Sessions(target) as sessions:
        started = []
        for number in range(effort.starts):
            note(f"{target.format}: session {number + 1} of {effort.starts}")
            started.append(_first(sessions, results, target.plugin))
        prompt, inside, *spare = started
        for crash in spare:
            crash.close()
        prompt.worker.end()
        prompt.await_prompt()
        drgn = sessions.drgn()
        names = f"names = {symbol_names(target.vmlinux)}\n"
        drgn.worker.open(f"{drgn.opening}prog = open_dump()\n{names}")
        inside.worker.open(names)
        pin(inside.pid, prompt.pid, drgn.pid)
        for row in repeated:
            note(f"{target.format}: {row.name}")
            results.append(_repeated(row, target.format, effort, inside.worker, drgn, prompt))
    return results


def pin(*processes: int) -> None:
    """Let them all run on one and the same CPU."""
    cpu = max(os.sched_getaffinity(0))
    for process in processes:
        os.sched_setaffinity(process, {cpu})


def symbol_names(vmlinux: Path) -> list[str]:
    """Names of functions, spread over the kernel, that are there once, also without a suffix."""
    listing = subprocess.run(["nm", str(vmlinux)], stdout=subprocess.PIPE, text=True, check=True)
    kinds: defaultdict[str, str] = defaultdict(str)
    for *_, kind, name in map(str.split, listing.stdout.splitlines()):
        kinds[name.partition(".")[0]] += kind       # crash drops what gcc adds: name.part.0
    names = sorted(name for name, kind in kinds.items() if kind == "T")
    return names[::len(names) // NAMES][:NAMES]


def _first(sessions: Sessions, results: list[Result], plugin: Path) -> Crash:
    """One sample of each row that happens once in a session; a worker is left running in it."""
    crash = sessions.crash()
    working = False
    for result in results:
        row = result.row
        if row.ours is not None and not working:
            crash.start_worker()
            working = True
        if row.typed:
            sampler: Sampler = lambda: crash.type(row.typed.format(plugin=plugin))
        elif row.ours is not None:
            sampler = _once(crash.worker, row.ours)
        else:
            sampler = lambda: crash.started
        _record(result, OURS, sampler)
        if row.drgn is not None:
            drgn = sessions.drgn()
            drgn.worker.open(drgn.opening)
            _record(result, DRGN, _once(drgn.worker, row.drgn))
            drgn.close()
    return crash


def _once(worker: Worker, snippet: Snippet) -> Sampler:
    """A sampler of an expression that runs once."""
    def sample() -> float:
        worker.set_up(snippet.setup, snippet.expression)
        return worker.run(1)
    return sample


def _repeated(row: Row, dump_format: str, effort: Effort, inside: Worker, drgn: Drgn,
              prompt: Crash) -> Result:
    """One row's samples, the runners in turn."""
    result = Result(row, dump_format)
    units: Optional[float] = None
    answers: list[Any] = []
    samplers: dict[str, Sampler] = {}
    for runner, worker, snippet in ((OURS, inside, row.ours), (DRGN, drgn.worker, row.drgn)):
        if snippet is None:
            continue
        try:
            worker.set_up(snippet.setup, snippet.expression)
            count = _calibrated(worker, effort.seconds)
            units = float(worker.ask(snippet.units))
            answers.append(worker.ask(snippet.answer))
        except BenchError as error:
            result.problems[runner] = _told(error)
            continue
        samplers[runner] = _sampler(worker, count, units)
    if any(answer != answers[0] for answer in answers):
        result.problems[OURS] = DIFFERENT
    if row.crash:
        samplers[CRASH] = _typed(prompt, row, units)
        samplers[CRASH]()       # the first may load what the others find
    for _ in range(effort.samples):
        for runner, sampler in samplers.items():
            _record(result, runner, sampler)
    return result


def _sampler(worker: Worker, count: int, units: float) -> Sampler:
    return lambda: worker.run(count) / count / units


def _typed(prompt: Crash, row: Row, units: Optional[float]) -> Sampler:
    """A sampler of a command of crash, which writes no terminal full."""
    count = row.crash_units or units or 1
    return lambda: prompt.type(f"{row.crash} > /dev/null") / count


def _calibrated(worker: Worker, seconds: float) -> int:
    """How often an expression has to run to take `seconds`; it has run before, then."""
    count = 1
    while True:
        taken = worker.run(count)
        if taken >= seconds:
            return count
        count = max(2 * count, min(100 * count, int(1.2 * count * seconds / max(taken, 1e-9))))


def _record(result: Result, runner: str, sampler: Sampler) -> None:
    try:
        result.samples.setdefault(runner, []).append(sampler())
    except BenchError as error:
        result.problems[runner] = _told(error)


def _told(error: BenchError) -> str:
    return f"{ABSENT} ({error})" if isinstance(error, Absent) else str(error)
