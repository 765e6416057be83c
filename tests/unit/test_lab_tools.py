"""Programs of this machine that a guest gets, with their libraries."""

import stat

import pytest

from tests.lab import LabError, tools


def test_a_program_comes_with_its_libraries_and_their_folders() -> None:
    files = {file.path: file for file in tools.files(["sh"])}
    program = files["lab/tools/sh"]
    assert program.data.startswith(b"\x7fELF") and program.mode & 0o111
    libraries = [path for path in files if "libc.so" in path or "ld-linux" in path]
    assert len(libraries) == 2
    for path in libraries:
        folder = path.rpartition("/")[0]
        assert stat.S_ISDIR(files[folder].mode)
        assert list(files).index(folder) < list(files).index(path)


def test_no_programs_are_no_files() -> None:
    assert tools.files([]) == []


def test_a_program_that_is_not_installed_is_named() -> None:
    with pytest.raises(LabError, match="needs the program no-such-program"):
        tools.files(["no-such-program"])
