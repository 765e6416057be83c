"""Debian kernels: the image, its modules and its vmlinux with debug information, in the cache."""

import os
import re
import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Iterator, Optional

from tests.lab import LabError, cache, packages
from tests.lab.progress import Progress

META_PACKAGE = "linux-image-cloud-amd64"
RELEASE = re.compile(r"[0-9][A-Za-z0-9.+~-]*")
HOLDS = ("vmlinux", "vmlinuz", "modules")
SPACE_NEEDED = 1300 << 20
ERROR_LINES = 8


class DownloadError(LabError):
    """The archive does not have a package, or apt's lists of it are old."""


@dataclass(frozen=True)
class Kernel:
    """One kernel in the cache. `modules` holds NAME.ko of every module, without directories."""

    release: str
    vmlinux: Path
    vmlinuz: Path
    modules: Path

    def module_closure(self, names: tuple[str, ...]) -> list[Path]:
        """The files of `names` and of what they depend on, in the order of insertion.

        Raises LabError for a module which the kernel does not have.
        """
        ordered: dict[str, Path] = {}
        for name in names:
            self._add_with_dependencies(name, ordered)
        return list(ordered.values())

    def _add_with_dependencies(self, name: str, ordered: dict[str, Path]) -> None:
        if name in ordered:
            return
        path = self.modules / f"{name}.ko"
        if not path.is_file():
            raise LabError(f"kernel {self.release} has no module {name}")
        for dependency in module_dependencies(path.read_bytes()):
            self._add_with_dependencies(dependency, ordered)
        ordered[name] = path


def get(release: Optional[str], progress: Progress, refresh: bool = False) -> Kernel:
    """The kernel `release`, downloaded when the cache has none.

    Without a release: the one used last, or with `refresh` (or none used yet) the newest of the
    distribution; as root, apt's lists are updated when that fails. Raises LabError when it cannot
    be found (DownloadError), unpacked or stored.
    """
    directory = cache.root() / "kernels"
    directory.mkdir(mode=0o700, exist_ok=True)
    if release is not None:
        return _stored(directory, release, progress)
    try:
        return _stored(directory, _current_release(directory, progress, refresh), progress)
    except DownloadError:
        if os.geteuid() != 0:
            raise
    packages.update_lists(progress)
    return _stored(directory, _current_release(directory, progress, refresh=True), progress)


def module_dependencies(module: bytes) -> list[str]:
    """The names in the `depends` field which a module carries in its .modinfo section."""
    field = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name for name in field.group(1).decode().split(",") if name] if field else []


def _stored(directory: Path, release: str, progress: Progress) -> Kernel:
    """The kernel `release` in the cache, downloaded when it is not there."""
    if not RELEASE.fullmatch(release):
        raise LabError(f"not a kernel release: {release!r}")
    place = cache.entry(
        directory / release, lambda partial: _fill(partial, release, progress), holds=HOLDS,
        waiting=lambda: progress.note(f"waiting for another run that fetches kernel {release}"))
    return Kernel(release, *(place / name for name in HOLDS))


def _current_release(directory: Path, progress: Progress, refresh: bool) -> str:
    """The release used last (remembered in the file `current`), or the newest one there is."""
    current = directory / "current"
    if current.is_file() and not refresh:
        return current.read_text().strip()
    with progress.stage("looking for the current kernel"):
        release = _newest_release()
    partial = directory / ".current.partial"
    partial.write_text(release + "\n")
    partial.rename(current)
    return release


def _newest_release() -> str:
    """What the distribution's meta package depends on."""
    listing = _run(["apt-cache", "depends", META_PACKAGE],
                   f"apt knows no package {META_PACKAGE}; as root, run: apt-get update")
    found = re.search(r"Depends: linux-image-([0-9]\S*)", listing)
    if found is None:
        raise LabError(f"{META_PACKAGE} names no kernel image:\n{listing}")
    return found.group(1)


def _fill(partial: Path, release: str, progress: Progress) -> None:
    """Download both packages of `release` into `partial` and keep what a Kernel names."""
    cache.require_space(partial, SPACE_NEEDED, f"kernel {release}")
    download = partial / "download"
    download.mkdir()
    modules = partial / "modules"
    modules.mkdir()
    with progress.stage(f"downloading kernel {release}"):
        image = _download(f"linux-image-{release}", download)
    with progress.stage(f"downloading the debug information of {release} (about 280 MB)"):
        debug = _download(f"linux-image-{release}-dbg", download)
    with progress.stage("unpacking the kernel"):
        _unpack_image(image, release, partial / "vmlinuz", modules)
        _unpack_vmlinux(debug, release, partial / "vmlinux")
    shutil.rmtree(download)


def _download(package: str, directory: Path) -> Path:
    """The .deb file of `package`, whose size and hash apt-get has verified."""
    target = directory / package
    target.mkdir()
    _run(["apt-get", "download", "--quiet", "--option", "APT::Sandbox::User=root", package],
         f"cannot download {package}; the package lists may be old: as root, run: apt-get update",
         cwd=target)
    files = list(target.glob("*.deb"))
    if len(files) != 1:
        raise LabError(f"apt-get download {package} left {len(files)} files instead of one")
    return files[0]


def _unpack_image(package: Path, release: str, vmlinuz: Path, modules: Path) -> None:
    with _members(package) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if path.name == f"vmlinuz-{release}":
                _extract(archive, member, vmlinuz)
            elif path.suffix == ".ko":
                _extract(archive, member, modules / path.name.replace("-", "_"))
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


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source: Optional[IO[bytes]] = archive.extractfile(member)
    if source is None:
        raise LabError(f"{member.name} is not a plain file")
    with source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)


def _run(command: list[str], problem: str, cwd: Optional[Path] = None) -> str:
    """The command's output; DownloadError with `problem` and its last lines when it fails."""
    result = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise DownloadError(f"{problem}\n{tail}")
    return result.stdout
