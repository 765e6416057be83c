"""Owns the open files of processes, named as /proc/PID/fd names them.

Must not know what is done with a file.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from LinuxDump.fs.inodes import file_type
from LinuxDump.fs.openfiles import open_files
from LinuxDump.fs.paths import path_of
from LinuxDump.Tasks import TaskTable
from pykdump.API import *  # noqa: F401,F403 - programs take the API from here
from pykdump.API import CU_LIVE, crash, memoize_cond, pylog, readSU, structSetAttr
from pykdump.plaintext import one_line

_HEAD = " FD       FILE            DENTRY           INODE       TYPE PATH"


class OpenFile(NamedTuple):
    """A file that a process has open."""

    fd: int
    file: Any       # struct file
    dentry: Any
    inode: Any
    type: str       # REG DIR CHR BLK FIFO SOCK LNK, UNKN for anonymous inodes
    path: str       # as readlink says of /proc/PID/fd/FD; "" if it cannot be read


class FileList(NamedTuple):
    """Files, and what could not be read of them: sentences with addresses."""

    files: list[OpenFile]
    problems: list[str]


@memoize_cond(CU_LIVE)
def name_members() -> None:
    """Names that programs use for members which kernels call differently."""
    structSetAttr("struct file", "Dentry", ["f_path.dentry", "f_dentry"])
    structSetAttr("struct file", "Mnt", ["f_path.mnt", "f_vfsmnt"])


def describe(fd: int, file: Any) -> OpenFile:
    """One struct file under a number; crash.error if it cannot be read."""
    path = file.f_path
    dentry = path.dentry
    inode = dentry.d_inode if dentry else file.f_inode
    return OpenFile(fd, file, dentry, inode, file_type(inode) if inode else "UNKN",
                    path_of(path))


def files_of(ts: Any) -> FileList:
    """The open files of a struct task_struct by number; what cannot be read is a problem."""
    problems: list[str] = []
    found = []
    try:
        table = list(open_files(ts.files)) if ts.files else []
    except crash.error as err:
        return FileList([], [f"files of {ts} cannot be read: {err}"])
    for fd, address in table:
        try:
            found.append(describe(fd, readSU("struct file", address)))
        except crash.error as err:
            problems.append(f"file {fd} of {ts} (<struct file 0x{address:x}>): {err}")
    if problems:
        problems.append(f"{len(found)} of {len(table)} files of {ts} could be read")
    return FileList(found, problems)


def links(ts: Any) -> dict[str, str]:
    """What the links exe, cwd and root in /proc/PID say; one that a task has not is left out.

    crash.error for what cannot be read.
    """
    found = {}
    if ts.mm and ts.mm.exe_file:
        found["exe"] = path_of(ts.mm.exe_file.f_path)
    if ts.fs:
        found["cwd"] = path_of(ts.fs.pwd)
        found["root"] = path_of(ts.fs.root)
    return found


class pidFiles:
    """The open files of a process.

    files   number -> [struct file, dentry, inode, type, path]; empty, with a warning, for a
            process that there is not or that cannot be read
    """

    def __init__(self, pid: int) -> None:
        name_members()
        self.pid = pid
        self.files: dict[int, list[Any]] = {}
        task = TaskTable().getByTid(pid)
        if task is None:
            pylog.warning(f"files of {pid}: there is no such process")
            return
        found, problems = files_of(task.ts)
        for text in problems:
            pylog.warning(text)
        self.files = {file.fd: [*file[1:]] for file in found}

    def fileInfo(self, fd: int) -> list[Any]:
        """[struct file, dentry, inode, type, path]; KeyError for a number that is not open."""
        return self.files[fd]

    def printFiles(self) -> None:
        """Print them as a table, as crash's `files` does."""
        print(_HEAD)
        for fd, (file, dentry, inode, kind, path) in self.files.items():
            print(f"{fd:3} {file:016x} {dentry:016x} {inode:016x} {kind:<4} {one_line(path)}")


def filesR(ref: int | str) -> list[int]:
    """The pids of all threads that have a struct file, dentry or inode open, or a path.

    The address is a number, or text in hexadecimal; text that is neither that nor a path is
    ValueError.
    """
    wanted: int | str = ref
    if isinstance(ref, str) and not ref.startswith("/"):
        wanted = int(ref, 16)
    known: dict[int, bool] = {}     # threads share tables
    pids = []
    for task in TaskTable().allThreads():
        try:
            table = int(task.ts.files)
        except crash.error as err:
            pylog.error(f"files of {task}: {err}")
            continue
        if table not in known:
            found, problems = files_of(task.ts)
            for text in problems:
                pylog.error(text)
            known[table] = any(wanted in (file.file, file.dentry, file.inode, file.path)
                               for file in found)
        if known[table]:
            pids.append(task.pid)
    return pids
