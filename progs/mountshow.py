"""mountshow: mounts of any namespace, and how the filesystems behind them are."""

from __future__ import annotations

import json
import sys
import textwrap
from optparse import OptionParser, Values
from typing import TYPE_CHECKING, Any

if "crash" not in sys.modules:
    import outside  # noqa: F401

from pykdump.plaintext import one_line

if TYPE_CHECKING:
    from LinuxDump.fs.mounted import Filesystem
    from LinuxDump.fs.mounts import Mount

__version__ = "1.0"
_WIDTH = 80
_SHOWN = 20


def _parse() -> tuple[Values, list[str]]:
    parser = OptionParser(prog="mountshow", usage="mountshow [options] [mount ...]",
                          version=f"MOUNTSHOW version {__version__}",
                          description="Show mounts as /proc/PID/mountinfo has them. A mount is "
                          "where it is mounted, or the address of a struct mount or vfsmount.")
    parser.add_option("--mounts", action="store_true",
                      help="device, mount point and type, then the options")
    parser.add_option("--stats", action="store_true",
                      help="also how full and how well the filesystem is, and who waits for it")
    parser.add_option("--pid", type="int", metavar="N", help="as this process sees them")
    parser.add_option("--ns", metavar="ADDR", help="those of this struct mnt_namespace")
    parser.add_option("--type", metavar="TYPE[,TYPE]", help="only filesystems of these types")
    parser.add_option("--json", action="store_true",
                      help="the same as JSON (docs/mountshow.md describes it)")
    return parser.parse_args()


# -- which --------------------------------------------------------------------------------------

def _address(text: str, what: str) -> int:
    try:
        address = int(text, 16)
    except ValueError:
        address = 0
    if not 1 << 63 <= address < 1 << 64:
        sys.exit(f"mountshow: {text!r} is no address of a {what}")
    return address


def _all(options: Values) -> list[Mount]:
    """The mounts of the namespace that is asked for, as far as its root sees them."""
    from LinuxDump.fs import mounts
    from LinuxDump.Tasks import TaskTable
    from pykdump.API import readSU

    root = None
    if options.ns is not None:
        space = readSU("struct mnt_namespace", _address(options.ns, "struct mnt_namespace"))
        known = mounts.namespaces(task.ts for task in TaskTable().allThreads())
        if space not in known:
            sys.exit(f"mountshow: {options.ns} is no mount namespace; there are "
                     + " ".join(f"{int(one):x}" for one in known))
    elif options.pid is not None:
        task = TaskTable().getByTid(options.pid)
        if task is None:
            sys.exit(f"There is no task with pid= {options.pid}")
        if not task.nsproxy:
            sys.exit(f"mountshow: {options.pid} has ended, and is in no namespace")
        space, root = task.nsproxy.mnt_ns, task.fs.root
    else:
        space = mounts.init_namespace()
    found = mounts.mounts(space, root)
    mounts.report(found.problems)
    return [mount for mount in found.mounts if mount.reachable]


def _chosen(options: Values, wanted: list[str]) -> list[Mount]:
    """Those of them that are asked for, by type and by name."""
    found = _all(options)
    if options.type is not None:
        kinds = set(map(str.strip, options.type.split(",")))
        found = [mount for mount in found if mount.fstype in kinds]
    if not wanted:
        return found
    made = []
    for text in wanted:
        if text.startswith("/"):
            point = text.rstrip("/") or "/"
            some = [mount for mount in found if mount.point == point]
        else:
            address = _address(text, "struct mount")
            some = [mount for mount in found
                    if address in (int(mount.mnt), int(mount.mnt.mnt))]
        if not some:
            print(f"Nothing is mounted at {text}")
        made += some
    return made


# -- text ---------------------------------------------------------------------------------------

def _wrapped(label: str, text: str) -> None:
    print(textwrap.fill(one_line(f"{label}: {text}"), _WIDTH, initial_indent="  ",
                        subsequent_indent=" " * 8, break_long_words=False,
                        break_on_hyphens=False))


def _print_mount(mount: Mount) -> None:
    print(one_line(f"{mount.source} {mount.point} {mount.fstype}"))
    shown = _nfs_options(mount) or mount.super_options.shown
    own = list(dict.fromkeys([*mount.options, *shown[1:]]))
    if mount.super_options.shown[0] == "ro":
        own[0] = "ro"
    more = "" if mount.super_options.complete \
        else f"  (more of {mount.fstype}, which are not known here)"
    _wrapped("opts", ", ".join(own) + more)


def _nfs_options(mount: Mount) -> list[str]:
    """All of a mount of NFS, with those that are as by default, too; [] of others."""
    from LinuxDump.nfs.shares import all_options, share_of
    from pykdump.API import crash

    try:
        server = share_of(mount.sb)
        return all_options(server) if server is not None else []
    except (crash.error, KeyError, TypeError):
        return []           # what is known anyway is shown


def _print_stats(mount: Mount, facts: dict[str, Any]) -> None:
    if facts["nfs"] is not None:
        from LinuxDump.nfs.statstext import lines

        for line in lines(facts["nfs"]):
            print(line)
    same = f"; also at {', '.join(facts['also'])}" if facts["also"] else ""
    root = f", of which {mount.root} is mounted" if mount.root != "/" else ""
    _wrapped("super", f"{mount.sb}, {mount.dev[0]}:{mount.dev[1]}{root}{same}")
    if facts["state"]:
        _wrapped("state", ", ".join(facts["state"]))
    for which in ("first_error", "last_error"):
        if facts[which]:
            _wrapped(which.replace("_", " "), facts[which])
    numbers = facts["space"]
    if numbers and numbers["blocks"]:
        _wrapped("space", f"{numbers['blocks']} blocks of {numbers['block_size']} bytes, "
                 f"{numbers['free']} free, {numbers['available']} available")
    if numbers and numbers["files"]:
        _wrapped("inodes", f"{numbers['files']}, {numbers['files_free']} free")
    kept = facts["cached"]
    pages = "" if kept["dirty"] is None \
        else f"; {kept['dirty']} pages dirty, {kept['writeback']} being written"
    _wrapped("cached", f"{kept['inodes']} inodes, {kept['unused']} of them unused; "
             f"{kept['dentries']} dentries{pages}")
    for text in facts["journal"]:
        _wrapped("journal", text)
    if facts["layers"]:
        for name in ("upper", "work", "lower"):
            if facts["layers"][name]:
                _wrapped(name, facts["layers"][name])
    if facts["blocked"]:
        rows = [f"{each['pid']} ({each['comm']})" for each in facts["blocked"]]
        left = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        _wrapped("blocked", ", ".join(rows[:_SHOWN]) + left)
    for text in facts["problems"]:
        _wrapped("unreadable", text)


# -- facts --------------------------------------------------------------------------------------

def _facts(mount: Mount, found: dict[int, Filesystem], every: list[Mount]) -> dict[str, Any]:
    """What --stats tells of a mount, as JSON has it."""
    from LinuxDump.fs import blocked, cached, journals
    from LinuxDump.fs.health import unreadable
    from LinuxDump.fs.superblocks import overlay_layers
    from LinuxDump.nfs.shares import stats_of
    from pykdump.API import crash

    one = found.get(int(mount.sb))
    state = one.health if one else None
    problems = list(one.problems) if one else [f"{mount.sb} is in no list"]
    kept: dict[str, Any] = cached.Cached(0, 0, 0, None, None, [])._asdict()
    journal, layers, nfs = None, None, None
    try:
        kept = cached.cached(mount.sb)._asdict()
        journal = journals.journal_of(mount.sb)
        layers = overlay_layers(mount.sb)
        nfs = stats_of(mount.sb)
    except (crash.error, IndexError, KeyError, TypeError) as err:
        problems.append(unreadable(err))
    problems += kept.pop("problems")
    rows = blocked.blocked_tasks().get(int(mount.sb), [])
    return {
        "also": [other.point for other in every
                 if other.sb == mount.sb and other.mnt != mount.mnt],
        "state": state.words() if state else [],
        "frozen": state.frozen if state else "",
        "first_error": str(state.first) if state and state.first else "",
        "last_error": str(state.last) if state and state.last else "",
        "space": one.usage._asdict() if one and one.usage else None,
        "cached": kept,
        "journal": _journal(journal),
        "layers": layers._asdict() if layers else None,
        "nfs": nfs,
        "blocked": [{"pid": row.pid, "comm": row.comm} for row in rows],
        "problems": problems}


def _journal(journal: Any) -> list[str]:
    if journal is None:
        return []
    texts = [f"transaction {each.tid} is {each.state}, begun {each.age:.1f} s ago, "
             f"handles open: {each.updates}"
             for each in (journal.committing, journal.running) if each]
    if journal.aborted:
        texts.append(f"aborted with error {journal.error}")
    return texts or [f"idle after transaction {journal.done}"]


def _nfs_record(stats: Any) -> dict[str, Any]:
    from LinuxDump.nfs.statstext import record

    return record(stats)


def _record(mount: Mount, facts: dict[str, Any] | None) -> dict[str, Any]:
    """A mount as JSON has it."""
    major, minor = mount.dev
    return {
        "mount": f"0x{int(mount.mnt):x}", "superblock": f"0x{int(mount.sb):x}", "id": mount.id,
        "parent": mount.parent, "dev": f"{major}:{minor}", "root": mount.root,
        "point": mount.point, "options": mount.options, "optional": mount.optional,
        "type": mount.fstype, "source": mount.source,
        "super_options": mount.super_options.shown,
        "super_options_complete": mount.super_options.complete,
        **({"stats": facts} if facts is not None else {})}


def main() -> None:
    options, wanted = _parse()
    chosen = _chosen(options, wanted)
    facts: list[dict[str, Any] | None] = [None] * len(chosen)
    if options.stats:
        from LinuxDump.fs.mounted import filesystems

        found = {int(one.sb): one for one in filesystems().filesystems}
        every = _all(options)
        facts = [_facts(mount, found, every) for mount in chosen]
    if options.json:
        for known in facts:
            if known is not None and known["nfs"] is not None:
                known["nfs"] = _nfs_record(known["nfs"])
        json.dump([_record(*pair) for pair in zip(chosen, facts)], sys.stdout, indent=1)
        print()
        return
    for mount, known in zip(chosen, facts):
        if not options.mounts and known is None:
            print(one_line(mount.line))
            continue
        _print_mount(mount)
        if known is not None:
            _print_stats(mount, known)


if __name__ == "__main__":
    main()
