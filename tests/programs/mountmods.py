"""Shows mounts and modules out of what crash commands print, beside what the structs say."""

from __future__ import print_function

import argparse
import re

from pykdump.API import *

MOUNT = re.compile(r"^([0-9a-f]+) ([0-9a-f]+) (\S+)\s+(\S+)\s+(\S+)\s*$")

MODULE_STATES = CEnum("""
enum module_state {
        MODULE_STATE_LIVE,      /* Normal state. */
        MODULE_STATE_COMING,    /* Full formed, running module_init. */
        MODULE_STATE_GOING,
        MODULE_STATE_UNFORMED,
};
""")


def run(cmd):
    """The text of a command; a failing one is no reason to stop"""
    try:
        with SuppressCrashErrors():
            return exec_crash_command(cmd)
    except crash.error as val:
        pylog.warning("<%s> failed: %s" % (cmd, val))
        return ""


def mounts():
    for line in run("mount").splitlines()[1:]:
        m = MOUNT.match(line)
        if m:
            addr, _sb, fstype, dev, point = m.groups()
            yield Bunch({"addr": int(addr, 16), "type": fstype, "dev": dev, "point": point})


def show_mounts():
    for m in mounts():
        mnt = readSU("struct mount", m.addr)
        # the same by hand
        fstype = mnt.mnt.mnt_sb.s_type.name
        point = get_pathname(mnt.mnt.mnt_root, mnt.mnt)
        if fstype != m.type:
            pylog.error("crash and the struct disagree about %s" % m.point)
        try:
            dev = mnt.mnt_devname
        except KeyError:
            dev = mnt.mnt.mnt_devname
        print("%-12s %-10s %s" % (dev, fstype, point))


def show_modules():
    sizes = {}
    for line in run("mod").splitlines()[1:]:
        _addr, name, _base, size = line.split()[:4]
        sizes[name] = int(size)
    offset = member_offset("struct module", "list")
    for addr in readListByHead(sym2addr("modules")):
        mod = readSU("struct module", addr - offset)
        state = MODULE_STATES[int(mod.state)]
        if state != str(mod.state):
            pylog.error("enum", state, mod.state)
        print("%-16s %8d %s" % (mod.name, sizes[mod.name], state.lower()[13:]))


parser = argparse.ArgumentParser(description="mounts and modules")
parser.add_argument("--modules", action="store_true", help="show modules")
parser.add_argument("--background", action="store_true", help="only the first line of sys")
args = parser.parse_args()

if kernel < "3.3":
    print("too old a kernel")
    sys.exit(1)
if args.background:
    text = exec_crash_command_bg("sys", timeout=60)
    print(text.splitlines()[0].split(":")[0].strip(), sys_info.CPUS, sys_info.machine)
elif args.modules:
    show_modules()
else:
    show_mounts()
