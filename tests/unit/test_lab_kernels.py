"""The lab's kernels: what a module's file tells, and the order of insertion."""

from pathlib import Path

import pytest

from tests.lab import LabError, kernels
from tests.lab.kernels import Kernel


def module(directory: Path, name: str, depends: str) -> None:
    content = b"\x7fELF\0license=GPL\0depends=%s\0name=x\0" % depends.encode()
    (directory / f"{name}.ko").write_bytes(content)


@pytest.fixture(name="kernel")
def small_kernel(tmp_path: Path) -> Kernel:
    module(tmp_path, "leaf", "")
    module(tmp_path, "middle", "leaf")
    module(tmp_path, "top", "middle,leaf")
    return Kernel("6.1.0", tmp_path / "vmlinux", tmp_path / "vmlinuz", tmp_path)


def test_dependencies_are_read_from_the_module() -> None:
    assert kernels.module_dependencies(b"\0depends=a,b\0") == ["a", "b"]
    assert kernels.module_dependencies(b"\0depends=\0") == []
    assert kernels.module_dependencies(b"no section") == []


def test_dependencies_come_first(kernel: Kernel) -> None:
    names = [path.stem for path in kernel.module_closure(("top", "leaf"))]
    assert names == ["leaf", "middle", "top"]


def test_unknown_module_is_named(kernel: Kernel) -> None:
    with pytest.raises(LabError, match="no module absent"):
        kernel.module_closure(("absent",))


def test_a_release_is_of_the_suite_whose_current_kernel_it_was(tmp_path: Path) -> None:
    (tmp_path / "current").write_text("6.1.0\n")
    (tmp_path / "current-old").write_text("5.10.0\n")
    assert kernels._suite_of(tmp_path, "5.10.0") == "old"
    assert kernels._suite_of(tmp_path, "6.1.0") is None
