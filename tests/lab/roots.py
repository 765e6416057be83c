"""Owns root directories of Debian suites: made of packages alone, kept in the cache, entered.

What runs in one has namespaces of its own for mounts and processes: whatever ends it, nothing
stays mounted and nothing goes on running. Must not know what is run.
"""

import hashlib
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Sequence

from tests.lab import LabError, cache, packages, suites
from tests.lab.progress import Progress

# In the root: what the build and the tests need, of the suite's own packages.
PURPOSES = ("build", "test", "docs")
MOUNT_POINTS = ("mpykdump", "var/cache/mpykdump")
SPACE_NEEDED = 2 << 30
KEPT_ROOTS = 2
ERROR_LINES = 12
# Death of this program ends unshare, whose death ends its child, the first process of its
# namespace, whose death ends all others there.
ALONE = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child")


@dataclass(frozen=True)
class Bind:
    """A directory that is seen at a place in the root too."""

    source: Path
    place: str
    writable: bool = False


def get(suite: str, progress: Progress, refresh: bool = False) -> Path:
    """The root directory of a suite, made when there is none. Raises LabError."""
    return _get(suite, f"{suite}-", sorted(packages.needed(PURPOSES)), progress, refresh)


def for_modules(suite: str, release: str, progress: Progress) -> Path:
    """The root directory in which modules for a kernel of a suite are built. Raises LabError.

    Its compiler is the one that the kernel was built with, and tools of the kernel's headers run.
    """
    return _get(suite, f"modules-{suite}-", ["make", f"linux-headers-{release}"], progress, False)


def _get(suite: str, family: str, included: Sequence[str], progress: Progress,
         refresh: bool) -> Path:
    if os.geteuid() != 0:
        raise LabError("only root can make and enter the root directory of another suite")
    packages.require(["matrix"])
    identity = hashlib.sha256("\n".join([*included, *MOUNT_POINTS]).encode()).hexdigest()[:12]
    source = suites.source(suite)
    directory = cache.root() / "roots"
    place = cache.entry(
        directory / (family + identity), holds=["root"], refresh=refresh,
        fill=lambda partial: _fill(partial, suite, source, included, progress),
        waiting=lambda: progress.note(f"waiting for another run that makes a root of {suite}"))
    os.utime(place)
    cache.prune(directory, family + "*", KEPT_ROOTS)
    return place / "root"


def version(root: Path, package: str) -> str:
    """The upstream version of a package in the root, "-" when it is not installed."""
    query = subprocess.run(
        ["dpkg-query", f"--admindir={root / 'var/lib/dpkg'}", "--show",
         "--showformat=${source:Upstream-Version}", package],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return query.stdout.partition("+")[0] if query.returncode == 0 else "-"


def run(root: Path, binds: Sequence[Bind], directory: str, environment: Mapping[str, str],
        command: Sequence[str]) -> int:
    """Run a command in the root, in one of its directories; its exit status.

    It sees /dev, /proc, an empty /tmp and the `binds`; its environment is what is given here.
    """
    # A mount itself, or nothing that runs there could have namespaces of its own.
    steps = [["mount", "--bind", str(root), str(root)]]
    for bind in binds:
        steps.append(["mount", "--bind", str(bind.source), f"{root}{bind.place}"])
        if not bind.writable:
            steps.append(["mount", "--options", "remount,bind,ro", f"{root}{bind.place}"])
    steps += [["mount", "--rbind", "/dev", f"{root}/dev"],
              ["mount", "-t", "proc", "proc", f"{root}/proc"],
              ["mount", "-t", "tmpfs", "tmpfs", f"{root}/tmp"]]
    variables = [f"{name}={value}" for name, value in environment.items()]
    steps.append(["exec", "chroot", str(root), "env", "--ignore-environment",
                  "--default-signal", f"--chdir={directory}", *variables, *command])
    script = " &&\n".join(shlex.join(step) for step in steps)
    with subprocess.Popen([*ALONE, "sh", "-c", script], stdin=subprocess.DEVNULL) as process:
        try:
            return process.wait()
        except BaseException:
            process.kill()
            raise


def _fill(partial: Path, suite: str, source: str, included: Sequence[str],
          progress: Progress) -> None:
    cache.require_space(partial, SPACE_NEEDED, f"a root of {suite}")
    root = partial / "root"
    command = [*ALONE, "mmdebstrap", "--variant=minbase",
               "--aptopt={} \"{}\";".format(*suites.EXPIRED),
               f"--include={','.join(included)}", suite, str(root), source]
    with progress.stage(f"making a root of {suite} with {len(included)} packages and their like"):
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace",
                                check=False)
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise LabError(f"cannot make a root of Debian {suite}:\n{tail}")
    for name in MOUNT_POINTS:
        (root / name).mkdir(parents=True, exist_ok=True)
