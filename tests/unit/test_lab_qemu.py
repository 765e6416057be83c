"""What the lab reads from a guest's serial line; nothing is booted."""

from pathlib import Path

import pytest

from tests.lab import LabError
from tests.lab.dumps import PANIC_BEGINS
from tests.lab.qemu import Died, Machine

BOOT = "[    1.0] Kernel panic - not syncing: IO-APIC + timer doesn't work!\n"
LONG = 1000.0        # nothing here waits that long


@pytest.fixture(name="serial")
def serial_file(tmp_path: Path) -> Path:
    return tmp_path / "serial.log"


@pytest.fixture(name="machine")
def machine_that_is_not_started(tmp_path: Path, serial: Path) -> Machine:
    return Machine(tmp_path / "vmlinuz", tmp_path / "initramfs", serial)


def test_a_panic_before_the_account_is_told_at_once(machine: Machine, serial: Path) -> None:
    serial.write_text("booting\n" + BOOT)
    with pytest.raises(Died, match=r"died before it printed 'account begins'\n"
                                   r"last lines of the guest:\nbooting\n.*IO-APIC \+ timer"):
        machine.wait_for_serial("account begins", LONG, unless=PANIC_BEGINS)


def test_a_panic_after_what_is_waited_for_is_as_it_should_be(machine: Machine,
                                                             serial: Path) -> None:
    serial.write_text("account begins\n" + BOOT)
    machine.wait_for_serial("account begins", LONG, unless=PANIC_BEGINS)


def test_a_panic_is_what_may_be_waited_for(machine: Machine, serial: Path) -> None:
    serial.write_text(BOOT)
    machine.wait_for_serial("Kernel panic", LONG)


def test_a_guest_that_says_nothing_is_given_up(machine: Machine, serial: Path) -> None:
    serial.write_text("booting\n")
    with pytest.raises(LabError, match="gave up waiting until the guest prints 'account begins'"):
        machine.wait_for_serial("account begins", 0.0, unless=PANIC_BEGINS)
