"""Owns what one task waits for: which lock or event, and who has it.

One check for each kind, told by a function on the stack.  Must not know who else waits, nor what
is printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from LinuxDump.crosscalls import Call, calls_of
from LinuxDump.fs.journals import Journal, Transaction, handle_owners, journals
from LinuxDump.locks import owner_word, rwsem_holders
from LinuxDump.sleepers import KERNEL, Sleeper, list_head, queue_head
from LinuxDump.stacks import running
from pykdump.API import (addr2mod, addr2sym, container_of, crash, member_offset, readPtr, readSU,
                         readSUListFromHead, struct_size, sym2addr)

CERTAIN, LIKELY, UNKNOWN = "certain", "likely", "unknown"
_MAX_LIST = 100_000
_PF_WQ_WORKER = 0x20


class Wait(NamedTuple):
    """What a task waits for.

    task        address of the task_struct
    kind        "mutex", "rwsem", "rt_mutex", "semaphore", "percpu_rwsem", "frozen filesystem",
                "completion", "vfork", "work", "folio", "page" (of a kernel without folios),
                "buffer", "bit", "jbd2 transaction", "wait queue", "IPI", "RCU grace period" or
                "RPC request"
    obj         address of the lock or event
    name        its symbol, or its type and address
    owners      addresses of the task_structs that have it, as far as is known
    confidence  of the owners: "certain", "likely", or "unknown"
    function    the function that waits
    note        more about the owners, in words
    """

    task: int
    kind: str
    obj: int
    name: str
    owners: tuple[int, ...]
    confidence: str
    function: str
    note: str


class _Found(NamedTuple):
    kind: str
    obj: int
    ctype: str
    owners: tuple[int, ...] = ()
    confidence: str = UNKNOWN
    note: str = ""


def name_of(obj: int, ctype: str) -> str:
    """The symbol that an object is, or is a part of; else its type and address."""
    if addr2mod(obj) or sym2addr("_text") <= obj < sym2addr("_end"):
        symbol, offset = addr2sym(obj, True)
        if symbol:
            return f"{symbol}+{offset}" if offset else symbol
    return f"<{ctype} 0x{obj:x}>"


# -- locks that know their owner ----------------------------------------------------------------

def _owned(kind: str, lock: int, ctype: str, owner: int, note: str = "") -> _Found:
    if owner:
        return _Found(kind, int(lock), ctype, (owner,), CERTAIN, note)
    return _Found(kind, int(lock), ctype, note="nobody has it now")


def _mutex(sleeper: Sleeper, waiter: Any) -> _Found | None:
    head = list_head(waiter, "list", "task")
    if not head:
        return None
    mutex = container_of(head, "struct mutex", "wait_list")
    return _owned("mutex", mutex, "struct mutex", owner_word(mutex)[0])


def _rwsem(sleeper: Sleeper, waiter: Any) -> _Found | None:
    head = list_head(waiter, "list", "task")
    if not head:
        return None
    sem = container_of(head, "struct rw_semaphore", "wait_list")
    writer, readers, reader = rwsem_holders(sem)
    if writer != 0:
        return _owned("rwsem", sem, "struct rw_semaphore", writer or 0, "for writing")
    note = "one reader has it" if readers == 1 else f"{readers} readers have it"
    if not reader:
        return _Found("rwsem", int(sem), "struct rw_semaphore", note=note)
    return _Found("rwsem", int(sem), "struct rw_semaphore", (reader,), LIKELY,
                  f"{note}; this one came last, and may have left it")


def _rt_mutex(sleeper: Sleeper) -> _Found | None:
    waiter = sleeper.task.pi_blocked_on
    lock = waiter.lock if waiter else None
    return _owned("rt_mutex", lock, "struct rt_mutex", owner_word(lock)[0]) if lock else None


# -- locks that do not --------------------------------------------------------------------------

def _semaphore(sleeper: Sleeper, waiter: Any) -> _Found | None:
    head = list_head(waiter, "list", "task")
    return _Found("semaphore", int(container_of(head, "struct semaphore", "wait_list")),
                  "struct semaphore", note="a semaphore does not know who has it") \
        if head else None


def _percpu_rwsem(sleeper: Sleeper, entry: Any) -> _Found | None:
    head = queue_head(entry)
    if not head:
        return None
    sem = container_of(head, "struct percpu_rw_semaphore", "waiters")
    sb = _super_block_around(int(sem))
    if sb is not None:
        return _Found("frozen filesystem", int(sb), "struct super_block",
                      note=f"{sb.s_type.name} on {sb.s_id}")
    note = "it is had for writing" if sem.block.counter else "readers have it"
    return _Found("percpu_rwsem", int(sem), "struct percpu_rw_semaphore",
                  note=f"{note}; it does not know by whom")


def _super_block_around(address: int) -> Any:
    """The struct super_block that an address is in, None if in none."""
    size = struct_size("struct super_block")
    head = readSU("struct list_head", sym2addr("super_blocks"))
    for sb in readSUListFromHead(head, "s_list", "struct super_block", maxel=_MAX_LIST):
        if sb <= address < int(sb) + size:
            return sb
    return None


def _folio(sleeper: Sleeper, entry: Any) -> _Found | None:
    if not queue_head(entry.wait):
        return None
    try:
        page, kind = int(entry.folio), "folio"
    except KeyError:            # before 5.17: 6974d7c977d7
        page, kind = int(entry.page), "page"
    return _Found(kind, page, f"struct {kind}", note=f"for bit {entry.bit_nr} of its flags")


def _bit(sleeper: Sleeper, entry: Any) -> _Found | None:
    word = int(entry.key.flags)
    if word < KERNEL or not queue_head(entry.wq_entry):
        return None
    if _is_buffer_lock(word, entry.key.bit_nr):
        buffer = readSU("struct buffer_head", word)
        device = buffer.b_bdev
        return _Found("buffer", word, "struct buffer_head",
                      note=f"block {buffer.b_blocknr} of {device.bd_disk.disk_name}"
                      if device else "")
    return _Found("bit", word, "unsigned long", note=f"bit {entry.key.bit_nr}")


def _is_buffer_lock(word: int, bit: int) -> bool:
    """Whether a word is the first of a struct buffer_head, and the bit that of its lock."""
    if bit != crash.enumerator_value("BH_Lock"):
        return False
    node = int(readSU("struct buffer_head", word).b_assoc_buffers)
    try:
        return readPtr(readPtr(node) + 8) == node       # it is a list from the beginning
    except (crash.error, IndexError):
        return False


def _rpc(sleeper: Sleeper, entry: Any) -> _Found | None:
    """A word of flags is that of a request, which goes to a server."""
    from LinuxDump.nfs.rpc import is_task, request, told

    word = int(entry.key.flags)
    if word < KERNEL or not queue_head(entry.wq_entry):
        return None
    task = container_of(word, "struct rpc_task", "tk_runstate")
    if not is_task(int(task)):
        return None
    return _Found("RPC request", int(task), "struct rpc_task", note=told(request(task)))


# -- journals -----------------------------------------------------------------------------------

def _journal(sleeper: Sleeper, entry: Any) -> _Found | None:
    head = queue_head(entry)
    for journal in journals()[0] if head else ():
        queue = _JOURNAL_QUEUES.get(_member_at(journal.journal, head))
        if queue is not None:
            return queue(journal)
    return None


def _member_at(journal: Any, address: int) -> str:
    return next((name for name in _JOURNAL_QUEUES
                 if int(journal) + member_offset("struct journal_s", name) == address), "")


def _for_handles(journal: Journal) -> _Found | None:
    """Until those that have begun to change something come to an end."""
    transaction = journal.committing or journal.running
    if transaction is None:
        return None
    owners = tuple(handle_owners().get(int(transaction.transaction), ()))
    open_handles = "one handle is open" if transaction.updates == 1 \
        else f"{transaction.updates} handles are open"
    note = f"{_named(journal, transaction)}; {open_handles}"
    return _Found("jbd2 transaction", int(transaction.transaction), "struct transaction_s", owners,
                  CERTAIN if owners and len(owners) == transaction.updates else
                  LIKELY if owners else UNKNOWN, note)


def _for_commit(journal: Journal) -> _Found | None:
    """Until the journal's thread has written a transaction."""
    transaction = journal.committing or journal.running
    if transaction is None:
        return None
    task = int(journal.task)
    # the thread may not have begun what was asked for
    certain = journal.committing is not None or not transaction.open
    return _Found("jbd2 transaction", int(transaction.transaction), "struct transaction_s",
                  (task,) if task else (), (CERTAIN if certain else LIKELY) if task else UNKNOWN,
                  _named(journal, transaction))


def _named(journal: Journal, transaction: Transaction) -> str:
    return f"transaction {transaction.tid} of {journal.device}, {transaction.state}"


# Queues of a struct journal_s -> what one waits for there
_JOURNAL_QUEUES: dict[str, Callable[[Journal], _Found | None]] = {
    "j_wait_transaction_locked": _for_commit, "j_wait_done_commit": _for_commit,
    "j_wait_updates": _for_handles,
}


# -- events -------------------------------------------------------------------------------------

def _queue(sleeper: Sleeper, entry: Any) -> _Found | None:
    head = queue_head(entry)
    return _Found("wait queue", head, "struct wait_queue_head") if head else None


def _completion(sleeper: Sleeper, waiter: Any) -> _Found | None:
    head = list_head(waiter, "task_list", "task")
    if not head:
        return None
    done = head - (member_offset("struct completion", "wait")
                   + member_offset("struct swait_queue_head", "task_list"))
    for child in _children(sleeper) if sleeper.holds(done) else ():
        if int(child.vfork_done) == done:
            return _Found("vfork", done, "struct completion", (int(child),), CERTAIN,
                          "until it runs a program or ends")
    return _Found("completion", done, "struct completion")


def _children(sleeper: Sleeper) -> list[Any]:
    return readSUListFromHead(sleeper.task.children, "sibling", "struct task_struct",
                              maxel=_MAX_LIST)


def _work(sleeper: Sleeper, barrier: Any) -> _Found | None:
    entry = int(barrier.work.entry)
    if readPtr(readPtr(entry) + 8) != entry:
        return None
    workers = _workers_by_list()
    at = readPtr(entry)
    for _ in range(_MAX_LIST):
        worker = workers.get(at)
        if worker is not None:
            runs = int(worker.current_func)
            return _Found("work", int(worker.current_work), "struct work_struct",
                          (int(worker.task),), CERTAIN, f"it runs {addr2sym(runs) or hex(runs)}")
        if at == entry:
            break
        at = readPtr(at)
    return _Found("work", int(barrier), "struct wq_barrier", note="no worker has begun it")


def _workers_by_list() -> dict[int, Any]:
    """struct worker of all kworkers, by the address of its list of scheduled work."""
    offset = member_offset("struct worker", "scheduled")
    found = {}
    init = readSU("struct task_struct", sym2addr("init_task"))
    for task in readSUListFromHead(init.tasks, "tasks", "struct task_struct", maxel=_MAX_LIST):
        try:
            if task.flags & _PF_WQ_WORKER:
                worker = readSU("struct worker", _kthread(task).data)
                found[int(worker) + offset] = worker
        except (crash.error, IndexError):
            continue            # a task that is about to go
    return found


def _kthread(task: Any) -> Any:
    """struct kthread of a kernel thread."""
    try:
        # 5.17: e32cf5dfbe22 ("kthread: Generalize pf_io_worker so it can point to struct kthread")
        return readSU("struct kthread", task.worker_private)
    except KeyError:
        return readSU("struct kthread", task.set_child_tid)


def _rcu(sleeper: Sleeper) -> _Found | None:
    state = sym2addr("rcu_state")
    if not state:
        return None
    blockers = tuple(rcu_blockers(state))
    if not blockers:
        return _Found("RCU grace period", state, "struct rcu_state")
    return _Found("RCU grace period", state, "struct rcu_state", blockers, CERTAIN,
                  "sleeps in a read-side section")


def rcu_blockers(state: int) -> Iterator[int]:
    """Tasks that went to sleep in an RCU read-side section and hold up grace periods."""
    for node in readSU("struct rcu_state", state).node:
        try:
            blocked = node.blkd_tasks
        except KeyError:
            return              # without CONFIG_PREEMPT_RCU none can
        if not blocked.next:
            return              # there is room for more CPUs than there are
        for task in readSUListFromHead(blocked, "rcu_node_entry", "struct task_struct",
                                       maxel=_MAX_LIST):
            yield int(task)


def _ipi(sleeper: Sleeper) -> _Found | None:
    cpu = sleeper.stack.cpu
    calls = calls_of(cpu, (sleeper.low, sleeper.words)) if cpu is not None else []
    if not calls:
        return None
    on_cpu = {at: task for task, at in running().items()}
    owners = tuple(on_cpu[call.cpu] for call in calls if call.cpu in on_cpu)
    return _Found("IPI", calls[0].csd, "struct __call_single_data", owners,
                  CERTAIN if owners else UNKNOWN, "; ".join(map(_told, calls)))


def _told(call: Call) -> str:
    function = addr2sym(call.function) or hex(call.function)
    if call.cpu is None:
        return f"a CPU is to run {function}"
    return f"CPU {call.cpu} {'has not begun' if call.queued else 'runs'} {function}"


# -- which of them ------------------------------------------------------------------------------

class _Kind(NamedTuple):
    """A kind of wait: functions that are on the stack then, and the waiter on it."""

    functions: re.Pattern[str]
    struct: str
    member: str
    check: Callable[[Sleeper, Any], _Found | None]

    def find(self, sleeper: Sleeper) -> _Found | None:
        return sleeper.first(self.struct, self.member, self.check)


class _Known(NamedTuple):
    """One that needs no look at the stack."""

    functions: re.Pattern[str]
    find: Callable[[Sleeper], _Found | None]


# The first that finds something counts.
_KINDS: tuple[_Kind | _Known, ...] = (
    _Kind(re.compile(r"__mutex_lock|__ww_mutex_lock|mutex_lock"),
          "struct mutex_waiter", "task", _mutex),
    _Kind(re.compile(r"rwsem_down_|__?down_(read|write)"),
          "struct rwsem_waiter", "task", _rwsem),
    _Known(re.compile(r"(__)?rt_mutex_|rt_spin_lock|rtlock_"), _rt_mutex),
    _Kind(re.compile(r"_*down(_common|_interruptible|_killable|_timeout)?$"),
          "struct semaphore_waiter", "task", _semaphore),
    _Kind(re.compile(r"percpu_rwsem_wait|__percpu_down_read|percpu_down_write"),
          "struct wait_queue_entry", "private", _percpu_rwsem),
    _Kind(re.compile(r"__?flush_work|flush_work|__cancel_work"),
          "struct wq_barrier", "task", _work),
    _Known(re.compile(r"__wait_rcu_gp|synchronize_rcu|rcu_barrier"), _rcu),
    _Known(re.compile(r"smp_call_function|on_each_cpu|csd_lock_wait"), _ipi),
    _Kind(re.compile(r"(__)?wait_for_completion|__wait_for_common|do_wait_for_common"),
          "struct swait_queue", "task", _completion),
    _Kind(re.compile(r"folio_wait_|__folio_lock|__lock_page|wait_on_page_"),
          "struct wait_page_queue", "wait.private", _folio),
    _Kind(re.compile(r"(__)?rpc_|(out_of_line_|__)?wait_on_bit$"),
          "struct wait_bit_queue_entry", "wq_entry.private", _rpc),
    _Kind(re.compile(r"(out_of_line_|__)?wait_on_bit|__lock_buffer|__wait_on_buffer"),
          "struct wait_bit_queue_entry", "wq_entry.private", _bit),
    _Kind(re.compile(r"jbd2_|wait_transaction_|start_this_handle|add_transaction_credits"),
          "struct wait_queue_entry", "private", _journal),
    _Kind(re.compile(r""), "struct wait_queue_entry", "private", _queue),
)
_SCHEDULER = re.compile(r"(io_|preempt_|__)?schedule")


def wait_of(task: Any) -> Wait | None:
    """What a task (a struct task_struct, or its address) waits for; None if that is not known.

    Damage is no error: what cannot be read is not known.
    """
    task = readSU("struct task_struct", int(task))
    try:
        sleeper = Sleeper(task)
    except (crash.error, IndexError):
        return None
    functions = sleeper.stack.functions
    for kind in _KINDS:
        if not any(map(kind.functions.match, functions)):
            continue
        try:
            found = kind.find(sleeper)
        except (crash.error, IndexError, KeyError, TypeError):
            continue            # damage, or a struct of another kernel
        if found is not None:
            return Wait(int(task), found.kind, found.obj, name_of(found.obj, found.ctype),
                        found.owners, found.confidence, _caller(functions, kind), found.note)
    return None


def _caller(functions: list[str], kind: _Kind | _Known) -> str:
    """The first function that is neither the scheduler's nor of the lock itself."""
    last = ""
    own = kind.functions if kind.functions.pattern else _SCHEDULER
    for index, name in enumerate(functions):
        if own.match(name) or _SCHEDULER.match(name):
            last = functions[index + 1] if index + 1 < len(functions) else name
    return last
