"""Owns damage: copies of a dump with wrong bytes in the kernel's memory.

Must not know who reads them.
"""

import json
import random
import struct
import subprocess

from tests.lab import elf

HEAD = 1 << 16      # bytes of a dump, more than its headers have
KERNEL = 1 << 63
WORD = 8

# Objects of the whole dump as [struct, address, size], and where the direct map begins. Only those
# which the slab allocator gave, of which crash itself needs none to start.
OBJECTS = """
import json
from LinuxDump.pci import get_PCI_devices, resources
from LinuxDump.sysctl import getCtlTables
from LinuxDump.Tasks import TaskTable
from pykdump.API import *
base = readU64(sym2addr("page_offset_base"))
found = {}
def add(struct, obj):
    address = int(obj)
    if base <= address < base + (1 << 40):
        found[address] = [struct, address, struct_size(struct)]
def reach(struct, obj, chain, target):
    try:
        for name in chain.split("."):
            obj = getattr(obj, name)
        add(target, obj)
    except (crash.error, KeyError, AttributeError):
        pass
for task in TaskTable().allThreads():
    if task.pid < 2 or task.active:
        continue
    add("struct task_struct", task.ts)
    for chain, target in (("cred", "struct cred"), ("mm", "struct mm_struct"),
            ("signal", "struct signal_struct"), ("sighand", "struct sighand_struct"),
            ("files", "struct files_struct"), ("files.fdt", "struct fdtable"),
            ("fs", "struct fs_struct"), ("nsproxy", "struct nsproxy"),
            ("thread_pid", "struct pid"), ("mm.exe_file", "struct file"),
            ("fs.pwd.dentry", "struct dentry"), ("fs.pwd.mnt", "struct vfsmount"),
            ("fs.pwd.dentry.d_inode", "struct inode"), ("signal.tty", "struct tty_struct"),
            ("mm.mmap", "struct vm_area_struct")):
        reach("struct task_struct", task.ts, chain, target)
for head, member, struct in (("super_blocks", "s_list", "struct super_block"),
        ("slab_caches", "list", "struct kmem_cache"), ("workqueues", "list",
        "struct workqueue_struct")):
    for obj in readSUListFromHead(sym2addr(head), member, struct, maxel=500):
        add(struct, obj)
for block in walk_list(sym2addr("super_blocks"), "struct super_block", "s_list")[0]:
    if block.s_bdev:
        for chain, target in (("s_bdev", "struct block_device"),
                ("s_bdev.bd_disk", "struct gendisk"),
                ("s_bdev.bd_disk.queue", "struct request_queue"),
                ("s_bdev.bd_disk.queue.tag_set", "struct blk_mq_tag_set"),
                ("s_bdi", "struct backing_dev_info")):
            reach("struct super_block", block, chain, target)
for net in readSUListFromHead(sym2addr("net_namespace_list"), "list", "struct net", maxel=50):
    add("struct net", net)
    for device in readSUListFromHead(net.dev_base_head, "dev_list", "struct net_device", maxel=50):
        add("struct net_device", device)
for table in getCtlTables().values():
    add("struct ctl_table", table)
for device in get_PCI_devices():
    add("struct pci_dev", device)
    add("struct pci_bus", device.bus)
for name in "iomem_resource", "ioport_resource":
    for depth, resource in resources(name):
        add("struct resource", resource)
print(json.dumps({"base": base, "objects": sorted(found.values())}))
"""


# The same of NFS and RPC, which others do not have.
NFS_OBJECTS = """
import json
from LinuxDump.nfs import rpc, shares, state4
from pykdump.API import *
base = readU64(sym2addr("page_offset_base"))
found = {}
def add(struct, obj):
    address = int(obj or 0)
    if base <= address < base + (1 << 40):
        found[address] = [struct, address, struct_size(struct)]
for share in shares.shares().shares:
    server = share.server
    add("struct super_block", share.sb)
    add("struct nfs_server", server)
    add("struct nfs_client", server.nfs_client)
    for owner in state4.owners(server) if share.version[0] == "4" else ():
        add("struct nfs4_state_owner", owner.owner)
        for state in owner.states:
            add("struct nfs4_state", state.state)
            add("struct inode", state.inode)
            for lock in state.locks:
                add("struct nfs4_lock_state", lock)
    for each in state4.delegations(server):
        add("struct nfs_delegation", each.delegation)
for clnt in rpc.clients()[0]:
    for struct, obj in (("rpc_clnt", clnt), ("rpc_auth", clnt.cl_auth),
                        ("rpc_iostats", clnt.cl_metrics), ("rpc_timeout", clnt.cl_timeout),
                        ("rpc_xprt_switch", clnt.cl_xpi.xpi_xpswitch)):
        add("struct " + struct, obj)
    for xprt in rpc.transports(clnt):
        add("struct rpc_xprt", xprt)
for request in rpc.requests().requests:
    add("struct rpc_task", request.task)
    add("struct rpc_rqst", request.task.tk_rqstp)
print(json.dumps({"base": base, "objects": sorted(found.values())}))
"""


class Damage:
    """A copy of a dump that is written to by physical address."""

    def __init__(self, dump, path):
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", dump.elf, path], check=True)
        path.chmod(0o600)
        self.path = path
        with path.open("rb") as file:
            self._segments = elf.programs(file.read(HEAD))

    def write(self, place, data):
        """`place`: (virtual address, physical address)."""
        with self.path.open("r+b") as file:
            file.seek(elf.file_offset(self._segments, place[1]))
            file.write(data)


def objects_of(session, program=OBJECTS):
    """Objects that may be damaged, as (base of the direct map, [struct, address, size] ...)."""
    told = json.loads(session.epython(program))
    return told["base"], told["objects"]


def scatter(damage, base, objects, seed, share=0.3):
    """Write wrong words into a share of the objects: what was done, a line each."""
    lottery = random.Random(seed)
    addresses = [address for _struct, address, _size in objects]
    done = []
    for name, address, size in objects:
        if lottery.random() >= share:
            continue
        for _ in range(lottery.choice((1, 1, 2, 8))):
            at = address + WORD * lottery.randrange(max(size // WORD, 1))
            value = _wrong(lottery, addresses, at)
            damage.write((at, at - base), struct.pack("<Q", value))
            done.append(f"{name} 0x{address:x}+{at - address} = 0x{value:x}")
    return done


def _wrong(lottery, addresses, at):
    """A word as damage leaves it: garbage, a wild or stale pointer, one to itself, a huge count."""
    return lottery.choice((
        lottery.getrandbits(64), 0, 1, WORD, KERNEL, (1 << 64) - 1, (1 << 31) - 1, at,
        0xdead000000000100, 0x6b6b6b6b6b6b6b6b, lottery.choice(addresses),
        lottery.choice(addresses) + lottery.randrange(256),
        (1 << 64) - 1 - lottery.randrange(4096)))
