"""Shows what runs on each CPU and how processes were started."""

import sys

from LinuxDump.percpu import get_cpu_var, is_percpu_symbol, percpu_ptr
from LinuxDump.Tasks import TaskTable
from pykdump.API import *


def runqueues():
    if DCache.tmp.runqueues:
        return DCache.tmp.runqueues
    DCache.perm.walked = (DCache.perm.walked or 0) + 1
    rqs = []
    for addr in get_cpu_var("runqueues"):
        rqs.append(readSU("struct rq", addr))
    DCache.tmp.runqueues = rqs
    return rqs


def cmdline(task):
    """argv as a list, [] of a kernel thread"""
    mm = task.mm
    if not mm:
        return []
    start, end = mm.arg_start, mm.arg_end
    if end - start <= 0:
        return []
    try:
        data = readProcessMem(task.ts, start, end - start)
    except crash.error:
        return None
    return data.rstrip(b"\0").decode("utf-8", "replace").split("\0")


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "-c":
        for task in TaskTable().allTasks():
            argv = cmdline(task)
            if argv:
                print(task.pid, *argv, sep="\t")
        return
    for cpu, rq in enumerate(runqueues()):
        assert rq is runqueues()[cpu]
        if rq.cpu != cpu:
            pylog.error("run queue of CPU %d says %d" % (cpu, rq.cpu))
        print("CPU %d: idle %s, %s, online %d" % (
            cpu, rq.idle.comm, rq.idle.shortStr(), bool(rq.online)))
    base = sym2addr("runqueues")
    print(is_percpu_symbol(base), [int(percpu_ptr(readSU("struct rq", base), cpu)) ==
                                   int(rq) for cpu, rq in enumerate(runqueues())],
          "walked", DCache.perm.walked)


main()
