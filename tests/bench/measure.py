"""Takes the samples: all runners in turn, so that what disturbs the machine disturbs all alike."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional

from tests.bench.rows import Row, Snippet
from tests.bench.runners import Absent, BenchError, Crash, Drgn, Worker
from tests.bench.sessions import Sessions, Target, pin, symbol_names

OURS, DRGN, CRASH = "ours", "drgn", "crash"
ABSENT = "not there yet"
DIFFERENT = "its answer is not drgn's"
Sampler = Callable[[], float]


@dataclass(frozen=True)
class Effort:
    """How much is done."""

    starts: int             # sessions of crash, two at least
    alone: int              # the same where no row is repeated
    samples: int            # of each repeated row and runner
    seconds: float          # that a sample takes at least


FULL = Effort(starts=5, alone=5, samples=7, seconds=0.1)
QUICK = Effort(starts=2, alone=1, samples=2, seconds=0.01)


@dataclass
class Result:
    """A row over one dump file: seconds for each unit of work, by runner."""

    row: Row
    format: str
    samples: dict[str, list[float]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def measure(target: Target, first: tuple[Row, ...], repeated: tuple[Row, ...], effort: Effort,
            note: Callable[[str], None]) -> list[Result]:
    """All rows over one target."""
    results = [Result(row, target.format) for row in first]
    with Sessions(target) as sessions:
        started = []
        starts = effort.starts if repeated else effort.alone
        for number in range(starts):
            note(f"{target.format}: session {number + 1} of {starts}")
            started.append(_first(sessions, results, target.plugin))
        if not repeated:
            return results
        prompt, inside, *spare = started
        for crash in spare:
            crash.close()
        prompt.end_worker()
        drgn = sessions.drgn()
        names = f"names = {symbol_names(target.vmlinux)}\n"
        drgn.worker.open(f"{drgn.opening}prog = open_dump()\n{names}")
        inside.start_worker()
        inside.worker.open(names)
        pin(inside.pid, prompt.pid, drgn.pid)
        for row in repeated:
            note(f"{target.format}: {row.name}")
            results.append(_repeated(row, target.format, effort, inside.worker, drgn, prompt))
    return results


def _first(sessions: Sessions, results: list[Result], plugin: Path) -> Crash:
    """One sample of each row that happens once in a session; a worker is left running in it."""
    crash = sessions.crash()
    for result in results:
        row = result.row
        _record(result, OURS, _ours_once(crash, row, plugin))
        if row.drgn is not None:
            drgn = sessions.drgn()
            drgn.worker.open(drgn.opening)
            _record(result, DRGN, _once(drgn.worker, row.drgn))
            drgn.close()
    return crash


def _ours_once(crash: Crash, row: Row, plugin: Path) -> Sampler:
    """A sampler of what is typed, of a snippet, or of crash's start when there is neither."""
    if row.typed:
        return lambda: crash.type(row.typed.format(plugin=plugin))
    if row.ours is not None:
        crash.start_worker()
        return _once(crash.worker, row.ours)
    return lambda: crash.started


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
            own = float(worker.ask(snippet.units))
            units = units or own
            answers.append(worker.ask(snippet.answer))
        except BenchError as error:
            result.problems[runner] = _told(error)
            continue
        samplers[runner] = _sampler(worker, count, own)
    if any(answer != answers[0] for answer in answers):
        result.problems[OURS] = DIFFERENT
    if row.typed:
        samplers[OURS] = lambda: prompt.type(row.typed)
        samplers[OURS]()
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
