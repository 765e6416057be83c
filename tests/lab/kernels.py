"""Debian kernels: the image, its modules and its vmlinux with debug information, in the cache."""

import lzma
import os
import re
import shutil
import subprocess
import tarfile
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Callable, ContextManager, Iterator, Optional

from tests.lab import LabError, cache, packages, suites
from tests.lab.progress import Progress
from tests.lab.suites import Archive, DownloadError

META_PACKAGE = "linux-image-cloud-amd64"
RELEASE = re.compile(r"[0-9][A-Za-z0-9.+~-]*")
HOLDS = ("vmlinux", "vmlinuz", "modules")
INDEXED = "indexed"     # an empty file: the vmlinux has an index
SPACE_NEEDED = 1300 << 20
DEBUG_SPACE_NEEDED = 700 << 20


@dataclass(frozen=True)
class Kernel:
    """One kernel in the cache. `modules` holds NAME.ko of every module, without directories.

    `suite` is the Debian suite that it is of, None for the machine's own.
    """

    release: str
    vmlinux: Path
    vmlinuz: Path
    modules: Path
    suite: Optional[str] = None

    def module_closure(self, names: tuple[str, ...]) -> list[Path]:
        """The files of `names` and of what they depend on, in the order of insertion.

        Raises LabError for a module which the kernel does not have.
        """
        ordered: dict[str, Path] = {}
        for name in names:
            self._add_with_dependencies(name, ordered)
        return list(ordered.values())

    @property
    def modules_have_btf(self) -> bool:
        """Whether modules carry their types themselves: since 5.11, 36e68442d1af."""
        return b".BTF\0" in next(self.modules.glob("*.ko")).read_bytes()

    def _add_with_dependencies(self, name: str, ordered: dict[str, Path]) -> None:
        if name in ordered:
            return
        path = self.modules / f"{name}.ko"
        if not path.is_file():
            raise LabError(f"kernel {self.release} has no module {name}")
        for dependency in module_dependencies(path.read_bytes()):
            self._add_with_dependencies(dependency, ordered)
        ordered[name] = path


def get(wanted: Optional[str], progress: Progress, refresh: bool = False) -> Kernel:
    """The kernel `wanted`, downloaded when the cache has none.

    That is a release, as uname -r says it, or a Debian suite: the kernel of that suite which was
    used last, or with `refresh` (or none used yet) its newest. Without either it is one of the
    machine's own suite. When a download fails package lists are fetched (the machine's own as root
    only) and it is tried again. Raises LabError when the kernel cannot be found (DownloadError),
    unpacked or stored.
    """
    directory = cache.root() / "kernels"
    directory.mkdir(mode=0o700, exist_ok=True)
    if wanted is not None and RELEASE.fullmatch(wanted):
        archive = _archive(_suite_of(directory, wanted), progress)
        return _stored(directory, wanted, archive, progress)
    archive = _archive(wanted, progress, refresh)
    try:
        release = _current_release(directory, archive, progress, refresh)
        return _stored(directory, release, archive, progress)
    except DownloadError:
        if archive.suite is None and os.geteuid() != 0:
            raise
    if archive.suite is None:
        packages.update_lists(progress)
    else:
        archive = suites.get(archive.suite, progress, refresh=True)
    release = _current_release(directory, archive, progress, refresh=True)
    return _stored(directory, release, archive, progress)


def debug_files(kernel: Kernel, names: tuple[str, ...], progress: Progress) -> Path:
    """The folder with NAME.ko, with debug information, of modules and what they depend on.

    It lies beside the vmlinux, where it is looked for, and is downloaded when it lacks one of them.
    Raises LabError.
    """
    archive = _archive(kernel.suite, progress)
    wanted = {path.name for path in kernel.module_closure(names)}
    return cache.entry(
        kernel.vmlinux.parent / "debug", holds=wanted,
        fill=lambda partial: _fill_debug(partial, kernel.release, wanted, archive, progress),
        waiting=lambda: progress.note("waiting for another run that fetches debug files"))


def for_hardware(kernel: Kernel, progress: Progress) -> Kernel:
    """The kernel of the same version that is for all machines, not for clouds alone."""
    return _stored(cache.root() / "kernels", kernel.release.replace("-cloud-", "-"),
                   _archive(kernel.suite, progress), progress)


def module_dependencies(module: bytes) -> list[str]:
    """The names in the `depends` field which a module carries in its .modinfo section."""
    field = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name.replace("-", "_") for name in field.group(1).decode().split(",") if name] \
        if field else []


def _stored(directory: Path, release: str, archive: Archive, progress: Progress) -> Kernel:
    """The kernel `release` in the cache, downloaded when it is not there."""
    if not RELEASE.fullmatch(release):
        raise LabError(f"not a kernel release: {release!r}")
    place = cache.entry(
        directory / release, lambda partial: _fill(partial, release, archive, progress),
        holds=(*HOLDS, INDEXED),
        waiting=lambda: progress.note(f"waiting for another run that fetches kernel {release}"))
    return Kernel(release, *(place / name for name in HOLDS), archive.suite)


def _current_release(directory: Path, archive: Archive, progress: Progress, refresh: bool) -> str:
    """The release used last (remembered in a file `current`), or the newest one there is."""
    name = f"current-{archive.suite}" if archive.suite else "current"
    current = directory / name
    if current.is_file() and not refresh:
        return current.read_text().strip()
    with progress.stage("looking for the current kernel"):
        release = _newest_release(archive)
    partial = directory / f".{name}.partial"
    partial.write_text(release + "\n")
    partial.rename(current)
    return release


def _archive(suite: Optional[str], progress: Progress, refresh: bool = False) -> Archive:
    """Where packages of a suite come from; None: the machine's own."""
    return suites.get(suite, progress, refresh) if suite else suites.OWN


def _suite_of(directory: Path, release: str) -> Optional[str]:
    """The suite whose current kernel has been found to be `release`."""
    for current in directory.glob("current-*"):
        if current.read_text().strip() == release:
            return current.name.partition("-")[2]
    return None


def _newest_release(archive: Archive) -> str:
    """What the distribution's meta package depends on."""
    listing = archive.depends(META_PACKAGE)
    found = re.search(r"Depends: linux-image-([0-9]\S*)", listing)
    if found is None:
        raise LabError(f"{META_PACKAGE} names no kernel image:\n{listing}")
    return found.group(1)


def _fill(partial: Path, release: str, archive: Archive, progress: Progress) -> None:
    """Download both packages of `release` into `partial` and keep what a Kernel names."""
    cache.require_space(partial, SPACE_NEEDED, f"kernel {release}")
    image, debug, modules = (partial / name for name in ("image", "debug", "modules"))
    for directory in (image, debug, modules):
        directory.mkdir()
    with progress.stage(f"downloading kernel {release}"):
        image_package = archive.download(f"linux-image-{release}", image)
    with progress.stage(f"downloading the debug information of {release} (about 280 MB)"):
        debug_package = archive.download(f"linux-image-{release}-dbg", debug)
    with progress.stage("unpacking the kernel"):
        _unpack_image(image_package, release, partial / "vmlinuz", modules)
        _unpack_vmlinux(debug_package, release, partial / "vmlinux")
    with progress.stage("indexing its debug information"):
        _index(partial / "vmlinux")
        (partial / INDEXED).touch()
    shutil.rmtree(image)
    shutil.rmtree(debug)


def _fill_debug(partial: Path, release: str, wanted: set[str], archive: Archive,
                progress: Progress) -> None:
    cache.require_space(partial, DEBUG_SPACE_NEEDED, f"debug files of the modules of {release}")
    package = partial / "package"
    package.mkdir()
    with progress.stage(f"downloading the debug information of {release} (about 280 MB)"):
        debug_package = archive.download(f"linux-image-{release}-dbg", package)
    with progress.stage("unpacking debug files of modules"), _members(debug_package) as members:
        for member in members:
            name = PurePosixPath(member.name).name.replace("-", "_")
            if member.isreg() and name in wanted:
                _extract(members, member, partial / name)
    shutil.rmtree(package)


def _unpack_image(package: Path, release: str, vmlinuz: Path, modules: Path) -> None:
    with _members(package) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if path.name == f"vmlinuz-{release}":
                _extract(archive, member, vmlinuz)
            elif path.suffix == ".ko":
                _extract(archive, member, modules / path.name.replace("-", "_"))
            elif path.suffixes[-2:] == [".ko", ".xz"]:
                _extract(archive, member, modules / path.stem.replace("-", "_"), lzma.open)
    if not vmlinuz.exists():
        raise LabError(f"{package.name} holds no vmlinuz")


def _unpack_vmlinux(package: Path, release: str, vmlinux: Path) -> None:
    """Keep the vmlinux and stop there: what follows are gigabytes of modules."""
    with _members(package) as archive:
        for member in archive:
            if member.isreg() and member.name.endswith(f"/boot/vmlinux-{release}"):
                _extract(archive, member, vmlinux)
                return
    raise LabError(f"{package.name} holds no vmlinux")


def _index(vmlinux: Path) -> None:
    """Have gdb, and so crash, find names without reading all debug information at each start."""
    made = subprocess.run(["gdb-add-index", str(vmlinux)], capture_output=True, text=True)
    if made.returncode:
        raise LabError(f"gdb-add-index {vmlinux}: {made.stderr.strip()}")


@contextmanager
def _members(package: Path) -> Iterator[tarfile.TarFile]:
    """The files of a .deb as a stream, in their order; may be left before its end."""
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(command, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as unpacker:
        try:
            with tarfile.open(fileobj=unpacker.stdout, mode="r|") as archive:
                yield archive
        except tarfile.TarError as error:
            raise LabError(f"cannot unpack {package.name}: {error}") from error
        finally:
            unpacker.kill()


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path,
             opened: Callable[[IO[bytes]], ContextManager[IO[bytes]]] = nullcontext) -> None:
    """Write a file of the archive to `target`, as `opened` reads it."""
    source: Optional[IO[bytes]] = archive.extractfile(member)
    if source is None:
        raise LabError(f"{member.name} is not a plain file")
    with source, opened(source) as content, target.open("wb") as copy:
        shutil.copyfileobj(content, copy, 1 << 20)
