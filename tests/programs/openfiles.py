# Open files of processes. Written when Python 2 was young and never changed much.
import getopt

from pykdump.API import *
try:
    from pykdump.Generic import SUInfo
except ImportError:
    from pykdump.datatypes import SUInfo

import LinuxDump.fs as fs

BITS = 8 * struct_size("long")
file_info = SUInfo("struct file")
has_path = "f_path" in file_info


def usage():
    print("usage: %s [-t] [pid]" % os.path.basename(sys.argv[0]))


def open_fds(fdt):
    """Numbers of open files, by the bitmap"""
    size = fdt.max_fds // 8
    bits = readmem(fdt.open_fds, size)
    return [fd for fd in range(fdt.max_fds) if FD_ISSET(fd, bits)]


def file_type(inode):
    mode = inode.i_mode
    for letter, test in (("f", stat.S_ISREG), ("d", stat.S_ISDIR), ("c", stat.S_ISCHR),
                         ("p", stat.S_ISFIFO), ("s", stat.S_ISSOCK)):
        if test(mode):
            return letter
    return "?"


def path_of(file):
    if has_path:
        dentry, mnt = file.f_path.dentry, file.f_path.mnt
    else:
        dentry, mnt = file.f_dentry, file.f_vfsmnt
    try:
        return crash.get_pathname(dentry, mnt)
    except crash.error:
        return "?"


def state_of(task):
    try:
        return task.state
    except KeyError:
        pass
    return task.__state


opts, args = getopt.getopt(sys.argv[1:], "th")
with_type = False
for o, a in opts:
    if o == "-t":
        with_type = True
    if o == "-h":
        usage()
        sys.exit(0)

if not args:
    usage()
    sys.exit("a pid is needed")

task = readSU("struct task_struct", pid_to_task(int(args[0])))
if not task:
    sys.exit("no process " + args[0])
if state_of(task) == long(-1):
    sys.exit(2)
files = task.files
if files:
    fdt = files.fdt
    for fd in open_fds(fdt):
        file = fdt.fd[fd]
        if not file:
            continue        # reserved by an open() that still waits
        words = [str(fd), path_of(file)]
        if with_type:
            words.insert(1, file_type(file.Eval("f_path.dentry.d_inode")))
        print(" ".join(words))
