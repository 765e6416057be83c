"""The lab's package table, and what is done about missing packages (apt-get is never run)."""

import os
import re
import time
from pathlib import Path

import pytest

from tests.lab import LabError, packages
from tests.lab.progress import Progress

ABSENT = {"no-such-package-1": "reason one", "no-such-package-2": "reason two"}


@pytest.fixture(name="lines")
def progress_lines() -> list[str]:
    return []


@pytest.fixture(name="apt")
def apt_log(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A purpose with missing packages; commands for apt-get are recorded instead of run."""
    commands: list[list[str]] = []
    monkeypatch.setitem(packages.TABLE, "absent", {"python3": "is there", **ABSENT})
    monkeypatch.setattr(packages, "_apt", commands.append)
    monkeypatch.setattr(packages, "_lists_stale", lambda: False)
    return commands


@pytest.mark.parametrize("purpose", packages.PURPOSES)
def test_every_package_has_a_reason(purpose: str) -> None:
    for package, reason in packages.needed([purpose]).items():
        assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", package)
        assert reason.strip()


def test_union_holds_its_parts() -> None:
    assert set(packages.needed(["demo"])) == set(packages.needed(["build", "dump", "session"]))


def test_missing_is_what_dpkg_does_not_know(apt: list[list[str]]) -> None:
    assert packages.missing(["absent"]) == ABSENT


def test_nothing_missing_is_silent(monkeypatch: pytest.MonkeyPatch, apt: list[list[str]],
                                   lines: list[str]) -> None:
    monkeypatch.setitem(packages.TABLE, "absent", {"python3": "is there"})
    packages.ensure(["absent"], Progress(lines.append))
    assert (apt, lines) == ([], [])


def test_root_installs_after_saying_why(monkeypatch: pytest.MonkeyPatch, apt: list[list[str]],
                                        lines: list[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    packages.ensure(["absent"], Progress(lines.append))
    assert [command[:2] for command in apt] == [["apt-get", "install"]]
    assert apt[0][-2:] == list(ABSENT)
    assert lines[0] == "needs no-such-package-1: reason one"


def test_failed_install_is_tried_again_with_fresh_lists(
        monkeypatch: pytest.MonkeyPatch, apt: list[list[str]], lines: list[str]) -> None:
    def fail_once(command: list[str]) -> None:
        apt.append(command)
        if len(apt) == 1:
            raise LabError("404")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(packages, "_apt", fail_once)
    packages.ensure(["absent"], Progress(lines.append))
    assert [command[1] for command in apt] == ["install", "update", "install"]


def test_without_root_the_command_is_told(monkeypatch: pytest.MonkeyPatch,
                                          apt: list[list[str]], lines: list[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="apt-get install .*no-such-package-1 no-such-package-2"):
        packages.ensure(["absent"], Progress(lines.append))
    assert apt == []


@pytest.mark.parametrize("names, age, stale", [
    ([], 0, True), (["x_Release"], 0, True),
    (["x_main_Packages.lz4"], 0, False), (["x_main_Packages"], 30 * 24 * 3600, True),
])
def test_stale_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                     names: list[str], age: float, stale: bool) -> None:
    for name in names:
        (tmp_path / name).touch()
    fetched = time.time() - age
    os.utime(tmp_path, (fetched, fetched))
    monkeypatch.setattr(packages, "LISTS", tmp_path)
    assert packages._lists_stale() is stale
