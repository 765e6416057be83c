"""Owns what locks say of themselves: whether they are held, by whom, and who queues for them.

Must not know how it is found out which lock a task waits for, nor what is printed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pykdump.API import crash, pylog, readSU, walk_list

_MAX_WAITERS = 100_000
_OWNER_FLAGS = 7
_READER_OWNED = 1           # of rw_semaphore.owner
_WRITER_LOCKED = 1          # of rw_semaphore.count
_READERS_SHIFT = 8


def owner_word(lock: Any) -> tuple[int, int]:
    """(task, flags): owners are atomic_long_t with flags in the low bits, or pointers with such.

    Of mutexes since 4.10: 3ca0ff571b09 ("locking/mutex: Rework mutex::owner"); of rw_semaphores
    since 5.3: 94a9717b3c40 ("locking/rwsem: Make rwsem->owner an atomic_long_t").
    """
    owner = lock.owner
    try:
        word = owner.counter & (1 << 64) - 1
    except (AttributeError, KeyError):
        word = int(owner)
    return word & ~_OWNER_FLAGS, word & _OWNER_FLAGS


class Holders(NamedTuple):
    """Who has a struct rw_semaphore.

    writer   address of the task that has it for writing, 0 for none, None if it is not known
    readers  how many have it for reading
    reader   address of the one of them that came last, which may have left it; 0 if unknown
    """

    writer: int | None
    readers: int
    reader: int


def rwsem_holders(sem: Any) -> Holders:
    """Who has a struct rw_semaphore; crash.error if it cannot be read.

    5.3: 64489e78004c ("locking/rwsem: Implement a new locking scheme")
    """
    owner, flags = owner_word(sem)
    count = sem.count.counter
    if count & _WRITER_LOCKED and not flags & _READER_OWNED:
        return Holders(owner or None, 0, 0)
    readers = max(count >> _READERS_SHIFT, 0)
    return Holders(0, readers, owner if readers else 0)


def queued_tasks(lock: Any, waiter: str) -> list[Any]:
    """struct task_struct of those on a lock's wait_list, in its order.

    `waiter` is the type of what is on it.  Damage is reported in the log, NULL stands for a waiter
    without a (readable) task.
    """
    found, report = walk_list(lock.wait_list, waiter, "list", limit=_MAX_WAITERS)
    if not report.whole:
        pylog.error(f"corrupted wait_list of {lock}: {report}")
    return [_task_of(each) for each in found]


def _task_of(waiter: Any) -> Any:
    try:
        return waiter.task
    except crash.error:
        return readSU("struct task_struct", 0)


def spin_is_locked(lock: Any) -> bool:
    """Is a spinlock held: a spinlock_t, a raw_spinlock_t, or the arch_spinlock_t in them.

    KeyError for anything else, and for spinlocks of a kernel for one CPU, which hold nothing.
    """
    if lock.hasField("rlock"):          # spinlock_t
        lock = lock.rlock
    if lock.hasField("raw_lock"):       # raw_spinlock_t
        lock = lock.raw_lock
    if lock.hasField("rtmutex"):        # struct rt_mutex, of which they are with PREEMPT_RT
        lock = lock.rtmutex
    if lock.hasField("owner") and lock.hasField("waiters"):
        return bool(owner_word(lock)[0])
    if lock.hasField("tickets"):        # x86 before 4.2
        return lock.tickets.head != lock.tickets.tail
    if lock.hasField("val"):            # queued, since 4.2: a33fda35e3a7
        return lock.val.counter != 0
    if lock.hasField("slock"):          # powerpc, and 32-bit ARM
        return lock.slock != 0
    raise KeyError(f"{lock} is no spinlock that says whether it is held")
