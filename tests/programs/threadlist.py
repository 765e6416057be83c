"""Lists threads: a program of pseudo-attributes, feature tests and tables of constants."""

import time
from optparse import OptionParser

from LinuxDump import *
from LinuxDump.Tasks import *
from pykdump.API import *

__version__ = "1.4"

debug = API_options.debug

_PF = """
#define PF_VCPU         0x00000001      /* I'm a virtual CPU */
#define PF_IDLE         0x00000002      // I am an IDLE thread
#define PF_EXITING      0x00000004
#define PF_KTHREAD      (1 << 21)       /* I am a kernel thread */
#define PF_USERS        (PF_VCPU | \\
                         PF_EXITING)
#define PF_NAME(x)      "text"
"""
PF = CDefine(_PF)
PIDTYPE = EnumInfo("enum pid_type")

# One name, whatever this kernel calls it
structSetAttr("struct task_struct", "State", ["state", "__state"])
structSetAttr("struct task_struct", "Euid", ["euid", "cred.euid.val", "cred.euid"])
structSetAttr("struct task_struct", "Leader", "group_leader")
structSetProcAttr("struct task_struct", "IsKernel", lambda t: bool(t.flags & PF.PF_KTHREAD))
setter = AttrSetter("struct signal_struct", "struct nothing_like_it")
setter.Nthreads = ("count.counter", "nr_threads")
setter.Nowhere = "no.such.member"

header_once = TrueOnce(1)


@memoize_cond(CU_LIVE)
def thread_offset():
    """Threads hang on the signal struct, or, long ago, on the leader."""
    if member_size("struct signal_struct", "thread_head") != -1:
        return "thread_node"
    return "thread_group"


def processes(*, maxel=100000):
    init = readSymbol("init_task")
    for leader in readSUListFromHead(init.tasks, "tasks", "struct task_struct", maxel=maxel):
        yield leader


def threads(leader):
    field = thread_offset()
    if field == "thread_node":
        head = leader.signal.thread_head
    else:
        head = leader.thread_group
    return ListHead(head, "struct task_struct").thread_node


def print_thread(t, options):
    if header_once:
        print("%6s %6s %6s %-16s %s" % ("PID", "TGID", "UID", "COMM", "FLAGS"))
    flags = dbits2str(t.flags, PF, 3)
    print("%6d %6d %6d %-16s %s" % (t.pid, t.tgid, t.Euid, t.comm, flags))
    if options.verbose:
        print("       %s" % t.shortStr(), t.State, PIDTYPE.getnam(0))


if __name__ == "__main__":
    op = OptionParser(usage="%prog [options]", version=__version__)
    op.add_option("-v", "--verbose", dest="verbose", action="store_true", default=False)
    op.add_option("--kernelonly", dest="kernelonly", action="store_true", default=False,
                  help="kernel threads only")
    op.add_option("--command", dest="command", default="", help="only of that name")
    op.add_option("-n", "--number", dest="number", type="int", default=None)
    (o, args) = op.parse_args()

    started = time.time()
    if not setter.Nthreads or setter.Nowhere:
        print(WARNING, "unexpected struct signal_struct")
    si = getStructInfo("struct task_struct")
    if "comm" not in si or si["comm"].array != 16:
        pylog.warning("unexpected size of comm")

    shown = 0
    for leader in processes():
        group = threads(leader)
        if len(group) != leader.signal.Nthreads and leader.signal.Nthreads:
            pylog.warning("%d threads found, %d expected" % (len(group), leader.signal.Nthreads))
        for t in group:
            if o.kernelonly and not t.IsKernel:
                continue
            if o.command and t.comm != o.command:
                continue
            if o.number is not None and shown >= o.number:
                sys.exit(0)
            if not t.hasField("Leader") or t.Leader != leader:
                pylog.error("wrong leader", t)
            print_thread(t, o)
            shown += 1
    if debug:
        print("took %.2fs" % (time.time() - started))
