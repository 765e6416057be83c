"""Owns the details that `crashinfo` shows in place of its report: which there are, who has them.

Must not know what any of them prints.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from LinuxDump.absent import NotThereYet

_HERE = "LinuxDump.report.single"


class Detail(NamedTuple):
    """One of them.

    option    as it is typed
    function  module:function that prints it; it is called with the values that were typed, and
              how verbose to be
    values    names of the values that are typed behind the option
    help      what it shows, in a few words
    """

    option: str
    function: str
    values: tuple[str, ...]
    help: str

    @property
    def name(self) -> str:
        """The name of its value among parsed options."""
        return self.option.lstrip("-")

    def show(self, values: tuple[str, ...], verbose: int) -> None:
        """Print it; whatever its library raises passes."""
        module, _colon, name = self.function.partition(":")
        function: Any = getattr(import_module(module), name, None)
        if function is None:
            raise NotThereYet(f"{module}.{name} is not there yet in this version of mpykdump")
        function(*values, verbose)


# Of several that are typed, the first of these counts.
DETAILS = (
    Detail("--lws", "LinuxDump.report.globalwaits:show", (),
           "semaphores, wait queues and work that are global variables"),
    Detail("--radix_tree_element", f"{_HERE}:radix_tree_element", ("ROOT", "OFFSET"),
           "what a radix tree or xarray has at an index; both hexadecimal"),
    Detail("--pci", "LinuxDump.pci:print_pci", (), "PCI devices, and who has which addresses"),
    Detail("--sysctl", "LinuxDump.sysctl:print_sysctl", (), "sysctl values"),
    Detail("--findstacks", f"{_HERE}:findstacks", ("REGEXP",),
           "stacks with a function whose name has a match"),
    Detail("--checkstacks", f"{_HERE}:checkstacks", (), "check stacks for corruption"),
    Detail("--keventd_wq", f"{_HERE}:gone_workqueue", (), "see --workqueues"),
    Detail("--kblockd_wq", f"{_HERE}:gone_workqueue", (), "see --workqueues"),
    Detail("--blkreq", f"{_HERE}:blkreq", (), "block requests"),
    Detail("--blkdevs", "LinuxDump.Dev:print_blkdevs", (), "block devices"),
    Detail("--decodesyscalls", f"{_HERE}:decodesyscalls", ("PID|NAME|all",),
           "system calls that threads are in, with arguments"),
    Detail("--semaphore", f"{_HERE}:semaphore", ("ADDR",), "a struct semaphore"),
    Detail("--rwsemaphore", f"{_HERE}:rwsemaphore", ("ADDR",), "a struct rw_semaphore"),
    Detail("--mutex", f"{_HERE}:mutex", ("ADDR",), "a struct mutex"),
    Detail("--workqueues", f"{_HERE}:workqueues", (), "workqueues that have work, all with -v"),
    Detail("--ext3", f"{_HERE}:ext3", (), "sizes of ext3 filesystems"),
    Detail("--ls", f"{_HERE}:ls", ("PATH",), "what the dentry cache has of a path"),
    Detail("--stacksummary", "LinuxDump.report.stacksummary:show", (),
           "stacks of all threads, equal ones once"),
    Detail("--devmapper", "LinuxDump.Dev:print_dm_devices", (), "device-mapper devices"),
    Detail("--runq", "LinuxDump.report.runqueues:show", (), "run queues"),
    Detail("--umem", "LinuxDump.report.rss:show", (), "memory of all processes together"),
    Detail("--filelock", f"{_HERE}:filelock", (), "locks of files"),
)
