"""The Debian packages each purpose needs, and why; finding and installing the missing ones."""

import os
import subprocess
import time
from pathlib import Path
from typing import Iterable

from tests.lab import LabError
from tests.lab.progress import Progress

TABLE: dict[str, dict[str, str]] = {
    "build": {
        "gcc": "compiles the plug-in",
        "g++": "compiles the guard around gdb's C++ exceptions",
        "make": "runs the build",
        "pkg-config": "tells the flags of Python and libbpf",
        "crash": "the host program, and its header crash/defs.h",
        "libpython3-dev": "Python.h, libpython and python3-embed.pc",
        "libbpf-dev": "reads BTF, the kernel's own type information",
        "libelf-dev": "reads the sections of a vmlinux",
        "libdw-dev": "the header of libdw, which reads DWARF and is loaded when it is there",
        "python3": "runs the build's scripts",
    },
    "dump": {
        "crash": "opens the dump",
        "qemu-system-x86": "runs the guest and writes its memory",
        "busybox-static": "the guest's whole user space",
        "gcc": "compiles the guest's helper, guests/states.c",
        "libc6-dev": "the static C library of that helper",
        "gdb": "gdb-add-index: crash then starts in half the time",
        "makedumpfile": "writes kdump files as production machines do",
        "e2fsprogs": "mke2fs, which the guest \"storage\" makes filesystems with",
        "xfsprogs": "mkfs.xfs for it",
        "btrfs-progs": "mkfs.btrfs for it",
        "dmsetup": "its devices of the device mapper",
        "linux-headers-cloud-amd64": "builds the guest's own module, guests/lab_locks.c",
    },
    "session": {
        "python3-pexpect": "types at crash's prompt",
    },
    "test": {
        "python3-pytest": "runs the tests",
        "python3-pytest-xdist": "runs two files of them at a time",
        "python3-pexpect": "talks to crash at its prompt",
        "python3-hypothesis": "invents inputs",
        "python3-ipython": "the other face of `epython repl`",
        "python3-debugpy": "the debugger of editors, behind epython --listen",
        "python3-capstone": "decodes the kernel's instructions, for fregs",
        "python3-drgn": "tells what registers held by another way, DWARF",
        "gdb": "tells what calls passed, of a core file of the kernel's stacks",
        "python3-numpy": "takes columns without a copy, as people's programs do",
        "python3-greenlet": "switches stacks inside of crash, as people's programs do",
        "python3-eventlet": "runs on each of its hubs, and patches the standard library",
        "python3-execnet": "starts Pythons from inside crash, and cleans up at its end",
        "pyprof2calltree": "writes the callgrind file of epython --profile=FILE",
        "valgrind": "callgrind_annotate, which reads that file",
        "less": "crash's pager, which a debugger has to get along with",
        "mypy": "compares the stubs with the modules that they describe",
    },
    "matrix": {
        "mmdebstrap": "makes root directories of other suites",
        "debian-archive-keyring": "the keys that those suites are signed with",
    },
    "bench": {
        "python3-drgn": "the debugger to compare with",
        "python3-capstone": "decodes the kernel's instructions",
        "python3-pexpect": "types at crash's prompt",
    },
    "fuzz": {
        "clang": "compiles the engine so that it tells what an input reached",
        "libclang-rt-14-dev": "libFuzzer, and the sanitizers of that compiler",
        "gcc": "compiles the ELF files that fuzzing starts from",
        "libdw-dev": "libdw by the name that the linker looks for",
    },
    "stubs": {
        "mypy": "infers the types that the sources do not write",
    },
    "docs": {
        "python3-sphinx": "makes the site of the guides and the reference",
        "python3-myst-parser": "reads the guides, which are Markdown",
    },
    "lint": {
        "clang-format": "the form of C files",
        "cppcheck": "faults in C files",
        "flake8": "the form of Python files",
        "mypy": "the type hints of Python files",
    },
}
UNIONS = {"demo": ("build", "dump", "session")}
PURPOSES = (*TABLE, *UNIONS)

LISTS = Path("/var/lib/apt/lists")
STALE_AFTER = 7 * 24 * 3600
INSTALL = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends",
           "--option", "DPkg::Lock::Timeout=300")
UPDATE = ("apt-get", "update", "--quiet", "--option", "DPkg::Lock::Timeout=300")
ERROR_LINES = 12


def needed(purposes: Iterable[str]) -> dict[str, str]:
    """Package -> reason, for all `purposes` together. Raises KeyError for an unknown purpose."""
    reasons: dict[str, str] = {}
    for purpose in purposes:
        for table in UNIONS.get(purpose, (purpose,)):
            for package, reason in TABLE[table].items():
                reasons.setdefault(package, reason)
    return reasons


def missing(purposes: Iterable[str]) -> dict[str, str]:
    """The part of `needed(purposes)` which is not installed."""
    reasons = needed(purposes)
    query = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n", *reasons],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    installed = {line.split()[0] for line in query.stdout.splitlines()
                 if line.endswith(" installed")}
    return {package: why for package, why in reasons.items() if package not in installed}


def ensure(purposes: Iterable[str], progress: Progress) -> None:
    """Install what is missing for `purposes`, after saying what and why.

    Raises LabError without root, or when apt-get fails.
    """
    reasons = missing(purposes)
    if not reasons:
        return
    for package, reason in reasons.items():
        progress.note(f"needs {package}: {reason}")
    if os.geteuid() != 0:
        raise LabError(f"packages are missing: {' '.join(reasons)}\n"
                       f"as root, run: apt-get install --no-install-recommends "
                       f"{' '.join(reasons)}")
    updated = _lists_stale()
    if updated:
        update_lists(progress)
    with progress.stage(f"installing {len(reasons)} packages"):
        try:
            _apt([*INSTALL, *reasons])
            return
        except LabError:
            if updated:
                raise
    update_lists(progress)
    with progress.stage(f"installing {len(reasons)} packages with fresh lists"):
        _apt([*INSTALL, *reasons])


def require(purposes: Iterable[str]) -> None:
    """Raise LabError, with the command that helps, when a package for `purposes` is missing."""
    purposes = list(purposes)
    reasons = missing(purposes)
    if reasons:
        raise LabError(f"packages are missing: {' '.join(reasons)}\n"
                       f"run: python3 -m tests.lab packages --for {' '.join(purposes)}")


def update_lists(progress: Progress) -> None:
    """Fetch apt's package lists (root only). Raises LabError when apt-get fails."""
    with progress.stage("updating the package lists"):
        _apt([*UPDATE])


def _lists_stale() -> bool:
    """Whether apt has no package lists, or fetched them long ago."""
    if not any(LISTS.glob("*_Packages*")):
        return True
    fetched = max(path.stat().st_mtime for path in (LISTS, LISTS / "partial") if path.exists())
    return time.time() - fetched > STALE_AFTER


def _apt(command: list[str]) -> None:
    """Run apt-get quietly; a failure raises LabError with the last lines it printed."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
    result = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace", check=False)
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise LabError(f"{' '.join(command[:2])} failed:\n{tail}")
