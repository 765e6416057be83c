"""Dumps: a guest booted, accounted for, crashed and written to files in the cache."""

import hashlib
import json
import os
import subprocess
import time
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Optional

from tests.lab import (LabError, cache, initramfs, kernels, kmodule, oracle, packages, production,
                       qemu, tools)
from tests.lab.kernels import Kernel
from tests.lab.progress import Progress

# Raise it when the way a dump is made changes in a manner nothing else in the hash shows.
LAB_FORMAT = 3
ATTEMPTS = 5         # at a guest whose account holds until it is dumped
KEPT_DUMPS = 3
HOLDS = ("vmcore.kdump", "vmcore.elf", "serial.log", "oracle.json", "description.json")
SOURCES = Path(__file__).parent / "guests"
ACCOUNT = SOURCES / "account.sh"
BUSYBOX = Path("/bin/busybox")
COMPILE = ("gcc", "-std=gnu11", "-O1", "-g0", "-static", "-pthread", "-Wall", "-Wextra")
PANIC_BEGINS = "Kernel panic - not syncing"
PANIC_MARK = "end Kernel panic"
# The last line that gets out where panic() runs in an NMI and the kernel keeps what is printed
# there for later: before 93d102f094be "printk: remove safe buffers". All CPUs have stopped.
PANIC_LAST_WORDS = "Kernel Offset: "
READY_MARK = "lab: ready"
BOOT_TIMEOUT = 180.0
ACCOUNT_TIMEOUT = 180.0
PANIC_TIMEOUT = 60.0
DUMP_TIMEOUT = 180.0


@dataclass(frozen=True)
class Poke:
    """What is done to a guest from outside, when it has printed `mark`.

    QEMU is told a command of QMP with its arguments; then `typed` comes in on the serial line.
    """

    command: str
    arguments: dict[str, Any]
    typed: str = ""
    mark: str = READY_MARK


@dataclass(frozen=True)
class Death:
    """Why a guest dies whose dump is of that alone.

    `boot` is more of the kernel's command line, `memory` in MiB. One that is `silent` dies before
    it could give any account, or tell where its kernel is.
    """

    boot: str
    memory: int = 160
    pokes: tuple[Poke, ...] = ()
    silent: bool = False


@dataclass(frozen=True)
class Guest:
    """What runs in the machine: an init script, its C helper, and the modules it may insert.

    `own_modules` are sources of some that are built for the kernel; the script inserts them itself.
    `more_helpers` are programs beside /bin/states, under the names of their sources. `tools` are
    programs of this machine, which the guest has in /lab/tools. With a `death` the
    account is a few words, and the dump in kdump format only.
    """

    script: Path
    helper: Optional[Path]
    modules: tuple[str, ...]
    own_modules: tuple[Path, ...] = ()
    more_helpers: tuple[Path, ...] = ()
    tools: tuple[str, ...] = ()
    death: Optional[Death] = None
    cloud: bool = True


def _dying(cause: str, boot: str = "", *pokes: Poke, silent: bool = False) -> Guest:
    """A guest of panic.sh, which dies of `cause`."""
    return Guest(SOURCES / "panic.sh", None, ("qemu_fw_cfg",), (SOURCES / "lab_panic.c",),
                 death=Death(f"LAB_CAUSE={cause} {boot}".rstrip(), pokes=pokes,
                             silent=silent))


def _machine_check(status: int, mark: str = READY_MARK) -> Poke:
    """Bank 4 of CPU 1 reports an error."""
    return Poke("human-monitor-command",
                {"command-line": f"mce 1 4 {status:#x} 4 0x12345000 0x8c"}, mark=mark)


GUESTS = {
    "busy": Guest(SOURCES / "busy.sh", SOURCES / "states.c",
                  ("qemu_fw_cfg", "loop", "dummy", "overlay")),
    "locks": Guest(SOURCES / "locks.sh", SOURCES / "states.c", ("qemu_fw_cfg", "loop"),
                   (SOURCES / "lab_locks.c", SOURCES / "lab_taint.c")),
    "threads": Guest(SOURCES / "threads.sh", SOURCES / "states.c", ("qemu_fw_cfg",),
                     (SOURCES / "lab_deep.c",), (SOURCES / "crowd.c",)),
    "storage": Guest(SOURCES / "storage.sh", SOURCES / "states.c",
                     ("qemu_fw_cfg", "loop", "overlay", "lz4", "zram", "xfs", "btrfs", "dm_mod",
                      "dm_delay"),
                     more_helpers=(SOURCES / "goingdown.c",),
                     tools=("mke2fs", "mkfs.xfs", "mkfs.btrfs", "dmsetup")),
    "memory": Guest(SOURCES / "memory.sh", SOURCES / "states.c", ("qemu_fw_cfg", "lz4", "zram"),
                    (SOURCES / "lab_memory.c",), (SOURCES / "hog.c",)),
    "nfs": Guest(SOURCES / "nfs.sh", None, ("qemu_fw_cfg", "veth", "nfsd", "nfsv3", "nfsv4"),
                 more_helpers=(SOURCES / "rpcd.c", SOURCES / "holdlock.c")),
    "panic-null": _dying("null", "oops=panic"),
    "panic-call": _dying("call", "oops=panic"),
    "panic-gpf": _dying("gpf", "oops=panic"),
    "panic-pointer": _dying("pointer", "oops=panic"),
    "panic-bug": _dying("bug", "oops=panic"),
    "panic-unlist": _dying("unlist", "oops=panic"),
    "panic-free": _dying("free", "oops=panic"),
    "panic-warn": _dying("warn", "panic_on_warn=1"),
    "panic-slept": _dying("slept", "panic_on_warn=1"),
    "panic-softirq": _dying("softirq"),
    # What its log tells is of before (lab_troubles.c).
    "panic-called": replace(
        _dying("called", "slub_debug=FZ,lab_checked rcupdate.rcu_cpu_stall_timeout=3 "
                         "sysctl.kernel.watchdog_thresh=1 sysctl.kernel.hung_task_timeout_secs=2"),
        own_modules=(SOURCES / "lab_panic.c", SOURCES / "lab_troubles.c")),
    "panic-smash": _dying("smash"),
    "panic-overflow": _dying("overflow"),
    "panic-softlockup": _dying("soft", "sysctl.kernel.watchdog_thresh=2 "
                                       "sysctl.kernel.softlockup_panic=1"),
    "panic-ipi": _dying("ipi", "sysctl.kernel.watchdog_thresh=2 "
                               "sysctl.kernel.softlockup_panic=1"),
    "panic-nmi": _dying("hard", "nosoftlockup sysctl.kernel.unknown_nmi_panic=1",
                        Poke("inject-nmi", {})),
    "panic-hardlockup": _dying("watched", "sysctl.kernel.watchdog_thresh=2 "
                                          "sysctl.kernel.hardlockup_panic=1",
                               Poke("inject-nmi", {})),
    "panic-hungtask": _dying("hung", "sysctl.kernel.hung_task_timeout_secs=2 "
                                     "sysctl.kernel.hung_task_panic=1"),
    "panic-rcu": _dying("stall", "nosoftlockup rcupdate.rcu_cpu_stall_timeout=3 "
                                 "sysctl.kernel.panic_on_rcu_stall=1"),
    # another CPU finds out
    "panic-stalled": _dying("hard", "nosoftlockup rcupdate.rcu_cpu_stall_timeout=3 "
                                    "sysctl.kernel.panic_on_rcu_stall=1"),
    "panic-oom": _dying("memory", "sysctl.vm.panic_on_oom=1"),
    "panic-unkillable": _dying("memory-none"),
    "panic-memcg": replace(_dying("memcg", "sysctl.vm.panic_on_oom=2 swapaccount=1"),
                           own_modules=()),
    "panic-init": _dying("init"),
    # Nobody tells then where a kernel is that is not where it was linked to.
    "panic-noroot": replace(_dying("", "nokaslr rdinit=/nothere root=/dev/vda1", silent=True),
                            own_modules=()),
    "panic-keyboard": _dying("poked", "sysrq_always_enabled", Poke("send-key", {"keys": [
        {"type": "qcode", "data": key} for key in ("alt", "sysrq", "c")]})),
    "panic-serial": _dying("poked", "sysrq_always_enabled",
                           Poke("chardev-send-break", {"id": "serial"}, typed="c")),
    # No cloud kernel handles machine checks. One is corrected, one is not.
    "panic-mce": replace(
        _dying("corrected", "", _machine_check(0x9c00000000000135, mark="lab: listens"),
               _machine_check(0xbe00000000000135)),
        own_modules=(), cloud=False),
}


# All that guests insert, but for what is built for them.
MODULES = tuple(sorted({name for guest in GUESTS.values() for name in guest.modules}))


@dataclass(frozen=True)
class Dump:
    """One dump in the cache, in both formats, with the guest's own account of itself."""

    guest: str
    kernel: Kernel
    directory: Path

    @property
    def release(self) -> str:
        """The kernel, as uname -r says it."""
        return self.kernel.release

    @property
    def vmlinux(self) -> Path:
        """The kernel with its debug information: crash's namelist."""
        return self.kernel.vmlinux

    @property
    def kdump(self) -> Path:
        """The dump in kdump format, compressed with zlib, flattened."""
        return self.directory / "vmcore.kdump"

    @property
    def elf(self) -> Path:
        """The same memory as an ELF core file."""
        return self.directory / "vmcore.elf"

    @cached_property
    def production_elf(self) -> Path:
        """The same memory, as /proc/vmcore of a capture kernel shows it; made when absent."""
        return self._rewritten(
            "production-elf", lambda place: production.elf(self.elf, self.vmlinux, place))

    @cached_property
    def production(self) -> Path:
        """The same memory, all of it, as makedumpfile compresses it; made when absent."""
        return self._rewritten(
            "production", lambda place: production.kdump(self.production_elf, place,
                                                         production.EVERYTHING))

    @cached_property
    def filtered(self) -> Path:
        """The same without the pages production machines leave out; made when absent."""
        return self._rewritten(
            "filtered", lambda place: production.kdump(self.production_elf, place,
                                                       production.FILTERED))

    def _rewritten(self, name: str, write: cache.Fill) -> Path:
        """An entry of its own inside this one, so that it goes when the dump does."""
        progress = Progress()

        def fill(partial: Path) -> None:
            cache.require_space(partial, 2 * qemu.MEMORY, f"the {name} dump")
            with progress.stage(f"writing the {name} dump"):
                write(partial)

        place = cache.entry(
            self.directory / name, fill, holds=[production.NAME],
            waiting=lambda: progress.note(f"waiting for another run that makes the {name} dump"))
        return place / production.NAME

    @property
    def oracle_file(self) -> Path:
        """The guest's account as JSON."""
        return self.directory / "oracle.json"

    @cached_property
    def oracle(self) -> dict[str, Any]:
        """The guest's account; its shape is in the documentation of the package."""
        account: dict[str, Any] = json.loads(self.oracle_file.read_text())
        return account

    def description(self) -> dict[str, Any]:
        """Paths, and how and when the dump was made."""
        made = json.loads((self.directory / "description.json").read_text())
        paths = {"vmlinux": self.vmlinux, "vmlinuz": self.kernel.vmlinuz,
                 "modules": self.kernel.modules, "kdump": self.kdump, "elf": self.elf,
                 "oracle": self.oracle_file, "serial": self.directory / "serial.log"}
        return {**made, "paths": {name: str(path) for name, path in paths.items()}}


def get(guest: str = "busy", *, kernel: Optional[str] = None, refresh: bool = False,
        progress: Optional[Progress] = None) -> Dump:
    """The dump of `guest` under a kernel (a release or a suite), made when the cache has none.

    Dumps of older versions of the guest are removed, but for the last few which were asked for.
    Progress goes to stderr unless told. Raises LabError, KeyError for an unknown guest.
    """
    chosen = GUESTS[guest]
    report = progress or Progress()
    chosen_kernel = kernels.get(kernel, report, refresh)
    if not chosen.cloud:
        chosen_kernel = kernels.for_hardware(chosen_kernel, report)
    family = f"{chosen_kernel.release}-{guest}-"
    dumps = cache.root() / "dumps"
    holds = [name for name in HOLDS if not (chosen.death and name.endswith(".elf"))]
    directory = cache.entry(
        dumps / (family + _content_hash(chosen)), holds=holds, refresh=refresh,
        fill=lambda partial: _make(partial, guest, chosen_kernel, report),
        waiting=lambda: report.note(f"waiting for another run that makes the {guest} dump"))
    os.utime(directory)
    cache.prune(dumps, family + "*", KEPT_DUMPS)
    return Dump(guest, chosen_kernel, directory)


def debug_files(dump: Dump) -> Path:
    """The folder with debug files of the modules that guests have, downloaded when there is none.

    Raises LabError.
    """
    return kernels.debug_files(dump.kernel, MODULES, Progress())


def _content_hash(guest: Guest) -> str:
    """Identifies everything that decides what a dump of `guest` holds, but for the kernel."""
    sources = (guest.script, ACCOUNT, guest.helper, *guest.own_modules, *guest.more_helpers)
    parts = [LAB_FORMAT, qemu.FLAGS, qemu.KERNEL_ARGUMENTS, COMPILE, guest.modules, guest.tools,
             *(source.read_text() for source in sources if source)]
    if guest.death:
        parts.append(astuple(guest.death))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _make(directory: Path, name: str, kernel: Kernel, progress: Progress) -> None:
    """Boot the guest and leave its dumps, serial line, account and description."""
    packages.require(["dump"])
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _boot(directory, name, kernel, progress)
            return
        except (oracle.Garbled, qemu.Died) as error:
            if attempt == ATTEMPTS:
                raise
            progress.note(f"once more: {error}")


def _boot(directory: Path, name: str, kernel: Kernel, progress: Progress) -> None:
    cache.require_space(directory, 2 * qemu.MEMORY, f"a dump of {name}")
    image = directory / "initramfs"
    serial = directory / "serial.log"
    with progress.stage(f"building the {name} guest"):
        image.write_bytes(_initramfs(GUESTS[name], kernel, directory, progress))
    death = GUESTS[name].death
    more = (death.boot, death.memory) if death else ()
    with qemu.Machine(kernel.vmlinuz, image, serial, *more) as machine:
        if not (death and death.silent):
            with progress.stage("booting it"):
                machine.wait_for_serial(oracle.BEGIN, BOOT_TIMEOUT, unless=PANIC_BEGINS)
            with progress.stage("taking its account"):
                machine.wait_for_serial(oracle.END, ACCOUNT_TIMEOUT, unless=PANIC_BEGINS)
        with progress.stage("crashing it"):
            for poke in death.pokes if death else ():
                machine.wait_for_serial(poke.mark, PANIC_TIMEOUT)
                machine.poke(poke.command, poke.arguments)
                if poke.typed:
                    machine.type(poke.typed)
            _wait_for_death(machine, serial)
        for format_name in ("kdump",) if death else qemu.DUMP_FORMATS:
            with progress.stage(f"writing the {format_name} dump"):
                machine.dump(directory / f"vmcore.{format_name}", format_name, DUMP_TIMEOUT)
        version = machine.version()
    image.unlink()
    if not death:
        _dig_holes(directory / "vmcore.elf")
    told = serial.read_text(errors="replace")
    account = {"text": {} if death.silent else oracle.sections(told)} if death \
        else oracle.parse(told)
    (directory / "oracle.json").write_text(json.dumps(account, indent=1) + "\n")
    description = {
        "format": LAB_FORMAT, "guest": name, "release": kernel.release, "qemu": version,
        "made": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "seconds": progress.seconds,
        "tasks": len(account.get("tasks", ())),
    }
    (directory / "description.json").write_text(json.dumps(description, indent=2) + "\n")


def _wait_for_death(machine: qemu.Machine, serial: Path) -> None:
    try:
        machine.wait_for_serial(PANIC_MARK, PANIC_TIMEOUT)
    except LabError:
        if PANIC_LAST_WORDS not in serial.read_text(errors="replace"):
            raise


def _initramfs(guest: Guest, kernel: Kernel, scratch: Path, progress: Progress) -> bytes:
    """Busybox, the helper, the modules in their order of insertion, and /init."""
    modules = kernel.module_closure(guest.modules)
    files = [
        *map(initramfs.directory, ("bin", "dev", "lab", "mnt", "proc", "run", "sys", "tmp")),
        initramfs.program("bin/busybox", BUSYBOX.read_bytes()),
        initramfs.link("bin/sh", "busybox"),
        *([initramfs.program("bin/states", _compiled(guest.helper, scratch))] if guest.helper
          else []),
        *(initramfs.program(f"bin/{source.stem}", _compiled(source, scratch))
          for source in guest.more_helpers),
        initramfs.plain("lab/modules",
                        "".join(f"/lab/{path.name}\n" for path in modules).encode()),
        *(initramfs.plain(f"lab/{path.name}", path.read_bytes()) for path in modules),
        *(initramfs.plain(f"lab/{source.stem}.ko", kmodule.build(source, kernel, progress))
          for source in guest.own_modules),
        *tools.files(guest.tools),
        initramfs.plain("lab/account.sh", ACCOUNT.read_bytes()),
        initramfs.program("init", guest.script.read_bytes()),
    ]
    return initramfs.archive(files)


def _dig_holes(path: Path) -> None:
    """Give the disk back what zeros take: most of an ELF dump of an idle guest."""
    subprocess.run(["fallocate", "--dig-holes", str(path)], stderr=subprocess.DEVNULL,
                   check=False)


def _compiled(source: Path, scratch: Path) -> bytes:
    target = scratch / "helper"
    result = subprocess.run([*COMPILE, "-o", str(target), str(source)], stderr=subprocess.PIPE,
                            text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"cannot compile {source.name}:\n{result.stderr}")
    program = target.read_bytes()
    target.unlink()
    return program
