"""Owns the running of fuzz targets: for a time, or a few inputs that are always the same.

    python3 -m tests.fuzz.run --build build/fuzz (--seconds N | --smoke) TARGET ...
"""

import argparse
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent

# target -> the longest input, and how many inputs the short run invents
TARGETS = {"btf": (4096, 12000), "dwarf": (16384, 2500), "index": (8192, 2500),
           "gdb": (16384, 5000)}
LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-malloc_limit_mb=512", "-print_final_stats=0"]
SANITIZERS = {"ASAN_OPTIONS": "allow_addr2line=1",
              "UBSAN_OPTIONS": "print_stacktrace=1"}
TAIL = 60       # lines shown of a run that failed


def command(build: Path, target: str, *options: str) -> list[str]:
    dictionary = HERE / f"{target}.dict"
    return [str(build / f"fuzz_{target}"), *LIMITS, f"-max_len={TARGETS[target][0]}",
            f"-artifact_prefix={build}/crashes/{target}-",
            *([f"-dict={dictionary}"] if dictionary.exists() else []), *options]


def known_inputs(build: Path, target: str) -> list[Path]:
    """Those made for the target, and those that once did harm."""
    return sorted((build / "seeds" / target).iterdir()) + \
        sorted((HERE / "regressions").glob(f"{target}-*"))


def execute(words: list[str], *, shown: bool) -> tuple[bool, str]:
    """Whether it went well, and what it printed unless that was shown."""
    result = subprocess.run(words, env={**os.environ, **SANITIZERS}, text=True, errors="replace",
                            stdout=None if shown else subprocess.PIPE, check=False,
                            stderr=None if shown else subprocess.STDOUT)
    return result.returncode == 0, result.stdout or ""


def crashes(build: Path, target: str) -> set[Path]:
    return set((build / "crashes").glob(f"{target}-*"))


def explain(build: Path, target: str, before: set[Path]) -> None:
    """How to see again what did harm."""
    for path in sorted(crashes(build, target) - before):
        print(f"\n{target}: harm done by {path} ({path.stat().st_size} bytes); again with\n"
              f"    {build}/fuzz_{target} {' '.join(LIMITS[:3])} {path}\n"
              f"keep it as tests/fuzz/regressions/{target}-WHAT when it is understood")


def steady() -> list[str]:
    """The words before a command that give it the same addresses each time, where that may be."""
    words = ["setarch", "-R"]
    return words if subprocess.run([*words, "true"], capture_output=True).returncode == 0 else []


def smoke(build: Path, target: str) -> tuple[str, bool, str]:
    """All known inputs, then invented ones; the same each time."""
    fresh = build / "smoke" / target
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    ok, text = execute(command(build, target, "-runs=1", *map(str, known_inputs(build, target))),
                       shown=False)
    if ok:
        # What is interesting depends on addresses, which the engine's maps are in the order of.
        ok, text = execute([*steady(), *command(
            build, target, f"-runs={TARGETS[target][1]}", "-seed=1", "-reload=0", str(fresh),
            str(build / "seeds" / target))], shown=False)
    return target, ok, text


def smoke_all(build: Path, targets: list[str]) -> bool:
    before = {target: crashes(build, target) for target in targets}
    good = True
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for target, ok, text in pool.map(lambda target: smoke(build, target), targets):
            print(f"fuzz-smoke: {target}: {'ok' if ok else 'HARM'}")
            if not ok:
                print("\n".join(text.splitlines()[-TAIL:]))
                explain(build, target, before[target])
            good &= ok
    return good


def fuzz(build: Path, target: str, seconds: int) -> bool:
    """One target for a time, from all that was found interesting before."""
    corpus = build / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    before = crashes(build, target)
    known = known_inputs(build, target)
    ok, _text = execute(command(build, target, "-runs=1", *map(str, known)), shown=True)
    if ok:
        for path in known:
            shutil.copy(path, corpus)
        ok, _text = execute(command(build, target, f"-max_total_time={seconds}", str(corpus)),
                            shown=True)
    explain(build, target, before)
    return ok


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("targets", nargs="+", choices=TARGETS)
    how = parser.parse_args()
    (how.build / "crashes").mkdir(parents=True, exist_ok=True)
    if how.smoke:
        return not smoke_all(how.build, how.targets)
    return not all([fuzz(how.build, target, how.seconds) for target in how.targets])


if __name__ == "__main__":
    sys.exit(main())
