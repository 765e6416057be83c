"""Owns names that a hostile machine would have: where a dump keeps texts that people are shown, and
what a terminal obeys written there.

Must not know which program shows which.
"""

import json

HOSTILE = b"\x1b[31m\n"
# Messages may have several lines; what a line of any program ends with tells raw ends of names.
MESSAGE = b"\n\x1b[31m"

# [virtual address, physical address, bytes, is it a message] of texts of the whole dump.
PLACES = """
import json
import crash as own
from LinuxDump.disks import disks
from LinuxDump.dlkm import modules
from LinuxDump.fs.mounts import init_namespace, namespaces, structs
from LinuxDump.inet import get_net_namespace_list
from LinuxDump.inet.proto import get_AF_UNIX
from LinuxDump.printk import kernel_log
from LinuxDump.slabs import all_caches
from LinuxDump.sysctl import getCtlTables
from LinuxDump.Tasks import TaskTable
from pykdump.API import *
base = readU64(sym2addr("page_offset_base"))
found = {}
def place(address, size, message=False):
    if not size:
        return
    if base <= address < base + (1 << 40):
        physical = address - base
    else:
        words = exec_crash_command(f"vtop {address:x}").split("\\n")[1].split()
        if words[1] == "(not":
            return
        physical = int(words[1], 16)
    found[address] = [address, physical, size, message]
def text(string, room=0):
    if isinstance(string, str) and string.addr:
        place(string.addr, max(len(string), room))
def dentry(one):
    if one and one.d_name.len and one.d_parent != one:
        place(int(one.d_name.name), one.d_name.len)
def each(things, what):
    for thing in things:
        try:
            what(thing)
        except (crash.error, IndexError, KeyError, AttributeError):
            pass
def of_task(task):
    if task.pid:
        text(task.comm, 15)
    if task.mm and task.mm.arg_start:
        place_user(task, task.mm.arg_start)
    for _fd, _file, one, inode in task.taskFds():
        dentry(one)
    if task.fs:
        dentry(task.fs.pwd.dentry)
    group = task.cgroups.dfl_cgrp.kn
    if group.parent:
        text(group.name)
def place_user(task, start):
    physical = own.uvtop(int(task.ts), start)
    found[physical] = [start, physical, 12, False]
def of_mount(mount):
    text(mount.mnt_devname)
    dentry(mount.mnt_mountpoint)
    text(mount.mnt.mnt_sb.s_type.name)
def of_disk(disk):
    text(disk.gendisk.disk_name, 15)
def of_module(module):
    text(module.module.name, 30)
    text(module.module.version)
def of_net(net):
    for device in readSUListFromHead(net.dev_base_head, "dev_list", "struct net_device"):
        text(device.name, 15)
def of_socket(sock):
    address = sock.addr
    if address and address.len > 3:
        place(int(address.name) + 2, address.len - 3)
def of_message(message):
    data = message.text.encode()
    at = buffer.find(data)
    if at >= 0:
        place(start + at, len(data), True)
def of_setting(table):
    if table.procname:
        text(table.procname)
each(TaskTable().allThreads(), of_task)
spaces = namespaces(task.ts for task in TaskTable().allThreads())
each([mount for space in spaces for mount in structs(space).mounts], of_mount)
each(disks(), of_disk)
# of which nobody needs the types; crash does not come to an end when many have the same name
each([one for one in modules() if one.name == "xor"], of_module)
each(get_net_namespace_list(), of_net)
each(get_AF_UNIX(), of_socket)
each(getCtlTables().values(), of_setting)
each(all_caches().caches, lambda cache: text(readSU("struct kmem_cache", cache.address).name))
each(readSUListFromHead(sym2addr("workqueues"), "list", "struct workqueue_struct"),
     lambda queue: text(queue.name, 20))
ring = readSU("struct printk_ringbuffer", readPtr(sym2addr("prb"))).text_data_ring
start = int(ring.data)
buffer = readmem(start, 1 << ring.size_bits)
each(kernel_log().records, of_message)
host = readSymbol("init_uts_ns").name.nodename
place(host.addr, len(host), True)
print(json.dumps(list(found.values())))
"""


def make_hostile(damage, session):
    """Let texts of a dump begin with what a terminal obeys; how many they are."""
    found = json.loads(session.epython(PLACES))
    for virtual, physical, size, message in found:
        text = MESSAGE if message else HOSTILE
        damage.write((virtual, physical), text if size >= len(text) else text[:min(size, 4)])
    return len(found)
