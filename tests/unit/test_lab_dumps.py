"""What identifies a dump, and what a guest is made of; nothing is booted."""

import dataclasses
from pathlib import Path

import pytest

from tests.lab import LabError, dumps, oracle, qemu
from tests.lab.dumps import Death, Guest, Poke
from tests.lab.kernels import Kernel
from tests.lab.progress import Progress


@pytest.fixture(name="guest")
def small_guest(tmp_path: Path) -> Guest:
    (tmp_path / "init.sh").write_text("#!/bin/sh\n")
    (tmp_path / "helper.c").write_text("int main(void) { return 0; }\n")
    return Guest(tmp_path / "init.sh", tmp_path / "helper.c", ("loop",))


def test_hash_depends_on_all_parts_of_a_guest(guest: Guest) -> None:
    hashes = [dumps._content_hash(guest)]
    hashes.append(dumps._content_hash(dataclasses.replace(guest, modules=("loop", "dummy"))))
    guest.script.write_text("#!/bin/sh -x\n")
    hashes.append(dumps._content_hash(guest))
    guest.helper.write_text("int main(void) { return 1; }\n")
    hashes.append(dumps._content_hash(guest))
    hashes += [dumps._content_hash(dataclasses.replace(guest, death=death))
               for death in (Death("oops=panic"), Death("oops=panic", silent=True),
                             Death("oops=panic", pokes=(Poke("inject-nmi", {}),)))]
    assert len(set(hashes)) == len(hashes)
    assert hashes[3] == dumps._content_hash(guest)


@pytest.mark.parametrize("name", sorted(dumps.GUESTS))
def test_guests_have_their_files(name: str) -> None:
    guest = dumps.GUESTS[name]
    assert guest.script.read_text().startswith("#!/bin/sh\n")
    sources = [guest.helper] if guest.helper else []
    assert all(source.is_file() for source in (*sources, *guest.own_modules, *guest.more_helpers))
    assert guest.modules[0] == "qemu_fw_cfg", "without it the dump has no VMCOREINFO"


def test_unknown_guest_is_refused_before_any_work() -> None:
    with pytest.raises(KeyError):
        dumps.get("no such guest")


def test_helper_which_does_not_compile_is_told(guest: Guest, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "COMPILE", ("sh", "-c", "echo 'line 1: error' >&2; exit 1"))
    with pytest.raises(LabError, match="cannot compile helper.c:\nline 1: error"):
        dumps._compiled(guest.helper, tmp_path)


@pytest.fixture(name="attempts")
def counted_attempts(monkeypatch: pytest.MonkeyPatch) -> list[LabError]:
    """What attempts at a guest end with, the first one first; what is left was not attempted."""
    endings: list[LabError] = []

    def boot(*_: object) -> None:
        if endings:
            raise endings.pop(0)
    monkeypatch.setattr(dumps.packages, "require", lambda purposes: None)
    monkeypatch.setattr(dumps, "_boot", boot)
    return endings


def made(tmp_path: Path) -> list[str]:
    told: list[str] = []
    dumps._make(tmp_path, "busy", Kernel("6.1.0", tmp_path, tmp_path, tmp_path),
                Progress(told.append))
    return told


def test_a_guest_that_dies_early_is_started_again(attempts: list[LabError],
                                                  tmp_path: Path) -> None:
    attempts += [qemu.Died("the guest died"), oracle.Garbled("a line is cut")]
    assert made(tmp_path) == ["once more: the guest died", "once more: a line is cut"]


def test_a_guest_that_always_dies_is_given_up(attempts: list[LabError], tmp_path: Path) -> None:
    attempts += [qemu.Died(f"death {number}") for number in range(dumps.ATTEMPTS + 1)]
    with pytest.raises(qemu.Died, match=f"death {dumps.ATTEMPTS - 1}"):
        made(tmp_path)
    assert len(attempts) == 1


def test_other_errors_are_not_tried_again(attempts: list[LabError], tmp_path: Path) -> None:
    attempts += [LabError("QEMU does not start")]
    with pytest.raises(LabError, match="QEMU does not start"):
        made(tmp_path)


@pytest.mark.parametrize("printed, dead", [
    ("Kernel panic - not syncing: x\n---[ end Kernel panic - not syncing: x ]---\n", True),
    ("Kernel panic - not syncing: x\nKernel Offset: 0x25200000 from 0xffffffff81000000\n", True),
    ("Kernel panic - not syncing: x\n", False)])
def test_a_panic_whose_last_line_stays_in_a_buffer_has_ended_too(
        printed: str, dead: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "PANIC_TIMEOUT", 0.0)
    serial = tmp_path / "serial.log"
    serial.write_text(printed)
    machine = qemu.Machine(tmp_path, tmp_path, serial)
    if dead:
        dumps._wait_for_death(machine, serial)
    else:
        with pytest.raises(LabError, match="gave up waiting"):
            dumps._wait_for_death(machine, serial)
