"""Owns Debian's suites: where packages of one come from, as options of apt's commands.

A suite other than the machine's has package lists of its own in the cache, fetched from the
mirror that the machine itself uses. Must not know what the packages are for.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Optional

from tests.lab import LabError, cache
from tests.lab.progress import Progress

NAME = re.compile(r"[a-z][a-z-]*")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# The index of a suite may be older than it says it may be; its signature is looked at all the same.
EXPIRED = ("Acquire::Check-Valid-Until", "false")
SOURCES = "sources.list"
ERROR_LINES = 8


class DownloadError(LabError):
    """The archive does not have a package, or apt's lists of it are old."""


@dataclass(frozen=True)
class Archive:
    """One suite, and what tells apt-get and apt-cache to look there."""

    suite: Optional[str]            # None: the machine's own
    options: tuple[str, ...] = ()

    def depends(self, package: str) -> str:
        """What `apt-cache depends` says of a package. Raises DownloadError when there is none."""
        return _run(["apt-cache", *self.options, "depends", package],
                    f"{self._described()} has no package {package}")

    def download(self, package: str, directory: Path) -> Path:
        """The .deb file of `package` in the empty directory; apt-get has verified its hash.

        Raises DownloadError.
        """
        _run(["apt-get", *self.options, "download", "--quiet",
              "--option", "APT::Sandbox::User=root", package],
             f"cannot download {package} from {self._described()}", cwd=directory)
        files = list(directory.glob("*.deb"))
        if len(files) != 1:
            raise LabError(f"apt-get download {package} left {len(files)} files instead of one")
        return files[0]

    def _described(self) -> str:
        return f"Debian {self.suite}" if self.suite else "apt's archive (apt-get update may help)"


OWN = Archive(None)


def get(suite: str, progress: Progress, refresh: bool = False) -> Archive:
    """The archive of a suite; OWN for the one that the machine runs.

    Package lists are fetched when there are none, or with `refresh`. Raises LabError.
    """
    if suite in _own_suites():
        return OWN
    place = cache.entry(_place(suite), lambda partial: _fill(partial, suite, progress),
                        holds=[SOURCES, "lists"], refresh=refresh,
                        waiting=lambda: progress.note(f"waiting for the package lists of {suite}"))
    return Archive(suite, _options(place))


def source(suite: str) -> str:
    """The line for apt's sources. Raises LabError."""
    if not NAME.fullmatch(suite):
        raise LabError(f"not the name of a Debian suite: {suite!r}")
    return f"deb [signed-by={KEYRING}] {mirror()} {suite} main"


def mirror() -> str:
    """Where the machine itself gets Debian from. Raises LabError when it gets it nowhere."""
    for label, uri, _ in _targets():
        if label == "Debian":
            return uri
    raise LabError("apt's sources name no mirror of Debian; as root, run: apt-get update")


def _own_suites() -> set[str]:
    return {name for label, _, name in _targets() if label == "Debian"}


def _targets() -> list[tuple[str, str, str]]:
    """(label, address, code name) of everything that apt's sources name."""
    listing = _run(["apt-get", "indextargets", "--format", "$(LABEL)|$(REPO_URI)|$(CODENAME)",
                    "Created-By: Packages"], "apt does not tell its sources")
    fields = (line.split("|") for line in listing.splitlines())
    return [(row[0], row[1], row[2]) for row in fields if len(row) == 3]


def _place(suite: str) -> Path:
    if not NAME.fullmatch(suite):
        raise LabError(f"not the name of a Debian suite: {suite!r}")
    return cache.root() / "suites" / suite


def _options(place: Path) -> tuple[str, ...]:
    values = {
        "Dir::Etc::SourceList": place / SOURCES, "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": place / "lists", "Dir::State::Status": place / "status",
        "Dir::Cache": place / "cache",
    }
    return tuple(word for name, value in values.items() for word in ("--option", f"{name}={value}"))


def _fill(partial: Path, suite: str, progress: Progress) -> None:
    (partial / SOURCES).write_text(source(suite) + "\n")
    (partial / "status").touch()
    for name in ("lists/partial", "cache/archives/partial"):
        (partial / name).mkdir(parents=True)
    with progress.stage(f"fetching the package lists of {suite}"):
        _run(["apt-get", *_options(partial), "--option", "=".join(EXPIRED),
              "--option", "APT::Sandbox::User=root", "--quiet", "--error-on=any", "update"],
             f"cannot fetch the package lists of Debian {suite}")


def _run(command: Iterable[str], problem: str, cwd: Optional[Path] = None) -> str:
    """The command's output; DownloadError with `problem` and its last lines when it fails."""
    result = subprocess.run(list(command), cwd=cwd, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace", check=False)
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-ERROR_LINES:])
        raise DownloadError(f"{problem}\n{tail}")
    return result.stdout
