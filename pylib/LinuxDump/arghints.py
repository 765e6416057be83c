"""Owns what arguments of functions are: their types by the kernel's own, and in short what such
an argument stands for - a file's name, a task's PID, who has a mutex.

Must not know where the values come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from LinuxDump.fs.inodes import device
from LinuxDump.fs.paths import all_paths, path_of, real_mount
from LinuxDump.locks import owner_word, rwsem_holders
from pykdump.API import CU_LIVE, CU_LOAD, addr2mod, addr2sym, crash, memoize_cond, readmem, readSU
from pykdump.API import sym2addr, whatis
from pykdump.plaintext import one_line

if TYPE_CHECKING:
    from LinuxDump.dwarfframes import Scope, Variable

INVALID = "<invalid>"
REGISTERS = ("RDI", "RSI", "RDX", "RCX", "R8", "R9")
_KERNEL = 1 << 63
_WORD = 8
_PAGE = 4096
_LONGEST = 60           # characters of a text
# Of such functions the compiler may have dropped arguments.
_CHANGED = (".isra.", ".constprop.", ".part.")


class Argument(NamedTuple):
    """An argument that a function gets in a register."""

    number: int         # from 0
    register: str
    ctype: str          # as C has it: "struct file *"
    struct: str         # "struct file" of a pointer to a struct or union, else ""
    size: int           # bytes


@memoize_cond(CU_LIVE | CU_LOAD)
def arguments_of(function: str) -> tuple[Argument, ...]:
    """The arguments that a function of the kernel gets in registers.

    Empty if its type is not known, or the compiler has changed what it is called with.
    """
    if any(mark in function for mark in _CHANGED):
        return ()
    try:
        prototype = whatis(function.split(".cold")[0]).ti.prototype
    except (crash.error, TypeError):
        return ()
    return tuple(_placed(prototype[1:])) if prototype else ()


def arguments_of_scope(scope: Scope) -> tuple[Argument, ...]:
    """The same by the DWARF of a function: those that the compiler has left it."""
    return tuple(argument_of(number, each) for number, each in enumerate(scope.parameters)
                 if each.register)


def argument_of(number: int, each: Variable) -> Argument:
    """A parameter as an argument; its register is "" if it has none."""
    return Argument(number, (each.register or "").upper(), each.ctype, _struct_of(each.ctype),
                    each.size)


def _struct_of(ctype: str) -> str:
    """The struct or union that a type is a pointer to; "" for others."""
    base, star, rest = ctype.partition("*")
    is_struct = base.startswith(("struct ", "union ")) and star and not rest.strip()
    return base.strip() if is_struct else ""


def _placed(types: list[Any]) -> Iterator[Argument]:
    """By the ABI: structs of up to 16 bytes in two registers, larger ones on the stack."""
    free = list(REGISTERS)
    for number, ctype in enumerate(types):
        words = -(-ctype.size // _WORD)
        if words > 2 or words > len(free):
            continue
        taken, free = free[:words], free[words:]
        text = ctype.fullstr()
        if words == 1:
            yield Argument(number, taken[0], text, _struct_of(text), ctype.size)


# -- what it stands for -------------------------------------------------------------------------

def hint_of(argument: Argument, value: int) -> str:
    """What an argument stands for, in a few words; "" if nothing is known of its kind.

    INVALID if it cannot be read, or is no such struct.
    """
    hint = _HINTS.get(argument.struct)
    if argument.ctype == "char *" and value >= _KERNEL:
        return _string(value)
    if hint is None or not value:
        return ""
    if value < _KERNEL:
        return INVALID
    try:
        return hint(readSU(argument.struct, value))
    except (crash.error, IndexError, KeyError, TypeError, AttributeError, ValueError):
        return INVALID


def _string(address: int) -> str:
    """A string of C, if it is one."""
    try:
        data = readmem(address, min(_LONGEST, -address % _PAGE or _LONGEST)).partition(b"\0")
    except crash.error:
        return INVALID
    text = data[0].decode("utf-8", "backslashreplace")
    return f'= "{text}"' if text and text.isprintable() and data[1] else ""


def symbol_of(address: int) -> str:
    """The symbol that an address is, or is a part of: `name` or `name+0x8`; "" for others."""
    if not addr2mod(address) and not sym2addr("_text") <= address < sym2addr("_end"):
        return ""
    name, offset = addr2sym(address, True)
    if not name or name.startswith("."):
        return ""
    return f"{name}+0x{offset:x}" if offset else name


def _text(value: Any) -> str:
    """A string of the kernel, on one line."""
    text = one_line(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _file(file: Any) -> str:
    return f"= {_text(path_of(file.f_path))}"


def _path(path: Any) -> str:
    return f"= {_text(path_of(path))}"


def _dentry(dentry: Any) -> str:
    return f"= {_text(all_paths().inside(int(dentry)))}"


def _nameidata(nd: Any) -> str:
    return f"= {_text(nd.name.name)}" if nd.name else f"= {_text(path_of(nd.path))}"


def _filename(name: Any) -> str:
    return f"= {_text(name.name)}"


def _qstr(name: Any) -> str:
    data = readmem(int(name.name), min(name.len, _LONGEST)) if name.len else b""
    return f"= {_text(data.decode('utf-8', 'backslashreplace'))}"


def _vfsmount(mnt: Any) -> str:
    return f"= {_text(all_paths().way(int(real_mount(mnt)), int(mnt.mnt_root)).text)}"


def _mount(mount: Any) -> str:
    return _vfsmount(mount.mnt)


def _task(task: Any) -> str:
    return f"= pid {task.pid} ({_text(task.comm)})"


def _binprm(binprm: Any) -> str:
    return f"= {_text(binprm.filename)}"


def _owner(lock: Any) -> str:
    task = owner_word(lock)[0]
    return f"(owner pid: {readSU('struct task_struct', task).pid})" if task else "(no owner)"


def _rwsem(sem: Any) -> str:
    holders = rwsem_holders(sem)
    if holders.writer:
        return f"(writer pid: {readSU('struct task_struct', holders.writer).pid})"
    return f"(readers: {holders.readers})"


def _inode(inode: Any) -> str:
    sb = inode.i_sb
    return f"(ino {inode.i_ino} on {_text(sb.s_id)})"


def _super_block(sb: Any) -> str:
    return f"({_text(sb.s_type.name)} on {_text(sb.s_id)})"


def _page(page: Any) -> str:
    mapping = int(page.mapping)
    if mapping & 3:
        return "(anonymous page)" if mapping & 3 == 1 else "(movable page)"
    if not mapping:
        return "(page of no mapping)"
    host = readSU("struct address_space", mapping).host
    return f"(index {page.index} of ino {host.i_ino} on {_text(host.i_sb.s_id)})"


def _address_space(mapping: Any) -> str:
    return f"(of ino {mapping.host.i_ino} on {_text(mapping.host.i_sb.s_id)})"


def _device_number(number: int) -> str:
    major, minor = device(number)
    return f"(device {major}:{minor})"


def _block_device(bdev: Any) -> str:
    return _device_number(bdev.bd_dev)


def _gendisk(disk: Any) -> str:
    return f"= {_text(disk.disk_name)}"


def _bio(bio: Any) -> str:
    try:
        # 5.12: 309dca309fc3 ("block: store a block_device pointer in struct bio")
        bdev = bio.bi_bdev
    except KeyError:
        disk = bio.bi_disk
        return f"(device {disk.major}:{disk.first_minor + bio.bi_partno})"
    return _block_device(bdev) if bdev else "(no device)"


def _queue_disk(queue: Any) -> Any:
    # 5.15: d152c682f03c ("block: add an explicit ->disk backpointer to the request_queue")
    return queue.disk


def _request(request: Any) -> str:
    try:
        disk = request.rq_disk
    except KeyError:            # 5.17: f3fa33acca9f ("block: remove the ->rq_disk field")
        disk = _queue_disk(request.q)
    where = _text(disk.disk_name) if disk else "no disk"
    return f"({where}, sector {getattr(request, '__sector')})"


def _request_queue(queue: Any) -> str:
    disk = _queue_disk(queue)
    return f"= {_text(disk.disk_name)}" if disk else "(no disk)"


def _device(dev: Any) -> str:
    name = dev.kobj.name or dev.init_name
    return f"({_text(name)})"


def _scsi_device(sdev: Any) -> str:
    return f"({_text(sdev.sdev_gendev.kobj.name)} {sdev.sdev_state})"


def _scsi_target(target: Any) -> str:
    return f"({_text(target.dev.kobj.name)} {target.state})"


def _scsi_host(host: Any) -> str:
    return f"(host{host.host_no})"


def _sk_buff(skb: Any) -> str:
    dev = skb.dev
    name = f" on {_text(dev.name)}" if int(dev) >= _KERNEL else ""
    return f"({skb.len} bytes{name})"


def _net_device(dev: Any) -> str:
    return f"= {_text(dev.name)}"


def _socket(sock: Any) -> str:
    file = sock.file
    return f"(ino {file.f_inode.i_ino})" if file else "(no file)"


def _work(work: Any) -> str:
    name = addr2sym(int(work.func))
    return f"(runs {name})" if name else INVALID


def _timer(timer: Any) -> str:
    name = addr2sym(int(timer.function))
    return f"(runs {name})" if name else INVALID


def _module(module: Any) -> str:
    return f"= {_text(module.name)}"


def _completion(completion: Any) -> str:
    return f"(done: {completion.done})"


_HINTS: dict[str, Callable[[Any], str]] = {
    "struct file": _file, "struct path": _path, "struct dentry": _dentry,
    "struct nameidata": _nameidata, "struct filename": _filename, "struct qstr": _qstr,
    "struct vfsmount": _vfsmount, "struct mount": _mount, "struct task_struct": _task,
    "struct linux_binprm": _binprm, "struct mutex": _owner,
    "struct rw_semaphore": _rwsem, "struct inode": _inode, "struct super_block": _super_block,
    "struct page": _page, "struct folio": _page,
    "struct address_space": _address_space, "struct block_device": _block_device,
    "struct gendisk": _gendisk, "struct bio": _bio, "struct request": _request,
    "struct request_queue": _request_queue, "struct device": _device,
    "struct scsi_device": _scsi_device, "struct scsi_target": _scsi_target,
    "struct Scsi_Host": _scsi_host, "struct sk_buff": _sk_buff,
    "struct net_device": _net_device, "struct socket": _socket, "struct work_struct": _work,
    "struct timer_list": _timer, "struct hrtimer": _timer, "struct module": _module,
    "struct completion": _completion,
}
