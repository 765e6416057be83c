"""The lab's cache: entries are whole or absent, and made once."""

import os
import threading
from pathlib import Path

import pytest

from tests.lab import LabError, cache


def write_content(partial: Path) -> None:
    (partial / "content").write_text("whole")


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if not path.name.endswith(".lock")}


def test_entry_is_filled_once(tmp_path: Path) -> None:
    place = cache.entry(tmp_path / "dumps" / "a", write_content)
    assert (place / "content").read_text() == "whole"

    def not_again(partial: Path) -> None:
        raise AssertionError("filled twice")

    assert cache.entry(place, not_again, holds=["content"]) == place
    assert names(place.parent) == {"a"}


def test_failed_fill_leaves_nothing(tmp_path: Path) -> None:
    def fail(partial: Path) -> None:
        write_content(partial)
        raise LabError("no")

    with pytest.raises(LabError):
        cache.entry(tmp_path / "a", fail)
    assert names(tmp_path) == set()


def test_failed_refresh_keeps_the_old_entry(tmp_path: Path) -> None:
    place = cache.entry(tmp_path / "a", write_content)

    def interrupted(partial: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.entry(place, interrupted, refresh=True)
    assert (place / "content").read_text() == "whole"


def test_refresh_replaces(tmp_path: Path) -> None:
    place = cache.entry(tmp_path / "a", write_content)
    cache.entry(place, lambda partial: (partial / "other").touch(), refresh=True)
    assert names(place) == {"other"}
    assert names(tmp_path) == {"a"}


def test_entry_which_lost_a_file_is_made_again(tmp_path: Path) -> None:
    place = cache.entry(tmp_path / "a", write_content)
    (place / "content").unlink()
    cache.entry(place, write_content, holds=["content"])
    assert (place / "content").exists()


def test_leftovers_of_killed_runs_go(tmp_path: Path) -> None:
    (tmp_path / ".a.partial-killed").mkdir()
    (tmp_path / ".a.partial-killed" / "half").touch()
    (tmp_path / ".b.partial-living").mkdir()
    cache.entry(tmp_path / "a", write_content)
    assert names(tmp_path) == {"a", ".b.partial-living"}


def test_second_run_waits_and_finds_the_entry(tmp_path: Path) -> None:
    filling, waited = threading.Event(), threading.Event()
    fills: list[Path] = []

    def slow(partial: Path) -> None:
        fills.append(partial)
        filling.set()
        assert waited.wait(10)

    def both() -> None:
        cache.entry(tmp_path / "a", slow, waiting=waited.set)

    first = threading.Thread(target=both)
    first.start()
    assert filling.wait(10)
    both()
    first.join()
    assert len(fills) == 1


def test_lock_survives_removal_of_its_file(tmp_path: Path) -> None:
    with cache.locked(tmp_path / "a"):
        (tmp_path / ".a.lock").unlink()
    with cache.locked(tmp_path / "a"):
        assert (tmp_path / ".a.lock").exists()


def test_prune_keeps_the_last_touched(tmp_path: Path) -> None:
    for age, name in enumerate(["x-new", "x-middle", "x-old", "y-oldest"]):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    cache.prune(tmp_path, "x-*", keep=2)
    assert names(tmp_path) == {"x-new", "x-middle", "y-oldest"}


def test_root_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "deep"))
    assert cache.root() == tmp_path / "deep" / "mpykdump"
    assert cache.root().stat().st_mode & 0o777 == 0o700


def test_relative_cache_home_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.root() == tmp_path / ".cache" / "mpykdump"


def test_root_writable_by_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "mpykdump").mkdir()
    (tmp_path / "mpykdump").chmod(0o777)
    with pytest.raises(LabError, match="writable by everybody"):
        cache.root()


def test_root_of_another_user_is_refused(tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(LabError, match="another user"):
        cache.root()


def test_lack_of_space_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="needs .* MB free"):
        cache.require_space(tmp_path, 1 << 60, "a dump")
    cache.require_space(tmp_path, 0, "a dump")
