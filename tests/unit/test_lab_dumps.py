"""What identifies a dump, and what a guest is made of; nothing is booted."""

import dataclasses
from pathlib import Path

import pytest

from tests.lab import LabError, dumps
from tests.lab.dumps import Death, Guest, Poke


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
