"""The programs that are crash commands of their own; run as a program, it lists them."""

# name, short text, synopsis, help; only those that the archive holds are registered
COMMANDS = (
    ("crashinfo", "a report on the dump, and what is wrong with it",
     "[-v] [-q] [--fast] [--json] [one detail]", """\
  Tells what is wrong with the machine of the dump, the worst first, and then
  reports on it: CPUs, tasks, run queues, memory, block devices, network, log.

    -v               more of everything
    -q               only problems and findings
    --fast           without what takes time, in 15 s at most
    --json           the same as JSON

  One detail rather than the report:

    --runq           what runs on each CPU, and what waits for it
    --stacksummary   stacks of all threads, equal ones once
    --findstacks=RE  stacks with a function whose name has a match
    --checkstacks    check stacks for corruption
    --decodesyscalls=PID|NAME|all
                     system calls that threads are in, with arguments
    --mutex=ADDR, --semaphore=ADDR, --rwsemaphore=ADDR
                     who waits for a lock, and who has it
    --workqueues     workqueues that have work, all with -v
    --lws            semaphores, wait queues and work that are global variables
    --filelock       locks of files
    --ls=PATH        what the dentry cache has of a path
    --blkreq, --blkdevs, --devmapper, --ext3
                     block requests, block devices, device mapper, ext3
    --pci, --sysctl, --umem
                     PCI devices, sysctl values, memory of all processes
    --radix_tree_element ROOT OFFSET
                     what a radix tree or xarray has at an index

EXAMPLES
    crash> crashinfo
    crash> crashinfo --fast -q
    crash> crashinfo --findstacks=ext4_
"""),
    ("fregs", "registers and arguments of functions on stacks",
     "[-a|-aa] [-l] [-r ROUTINE] [-u|-A] [--json] [PID|TASK|COMMAND]", """\
  Shows what registers held when the functions of a kernel stack were entered:
  of the current task, or of those that are named.  Needs python3-capstone.

    -a               show which arguments registers are, by the kernel's types
    -aa              and what they stand for: names of files, PIDs, owners ...
    -l, --lines      with source files and lines
    -r ROUTINE       only functions with this in their names
    -u               all uninterruptible tasks
    -A               all tasks
    --json           as JSON
    -V, --version    the version

EXAMPLES
    crash> fregs -aa 1
    crash> fregs -u -a -r mutex_lock
"""),
    ("hanginfo", "what threads that hang wait for, and who has it",
     "[-v] [--maxpids=N] [--sortbypid] [--older=SECONDS] [--sleeping] [--tree] [--json]", """\
  Puts the uninterruptible threads in classes by what they wait for, with the
  owners of locks as far as they are known: deadlocks first, then each class,
  then the stacks of those that others wait for in the end.

    -v               a line for each thread rather than lists of PIDs
    --maxpids=N      PIDs to show of each class (10); 0: only how many
    --sortbypid      sort lists by PID, not by the time since they ran
    --older=SECONDS  only threads that have not run for so long
    --sleeping       threads in interruptible sleep, too
    --tree           draw who waits for whom
    --syslogger      only who waits for readers of UNIX sockets, the log daemon's too
    --saphana        is this a host of SAP HANA
    --json           the same as JSON

EXAMPLES
    crash> hanginfo
    crash> hanginfo --older=120 --tree
"""),
    ("modinfo", "modules of the kernel, and what they taint",
     "[-t] [-g] [-a] [-u] [-l] [-p] [-s] [--json] [--details=M] [--disasm=M] [PATTERN ...]", """\
  Lists modules by address, all or those whose names match a pattern, and which
  of them taint the kernel.  No debug information of modules is needed.

    -t             only modules that taint the kernel
    -g             how much memory each takes, and what is free before it
    -a             the range of addresses each is in
    -u             look for unloaded modules in what is free between others
    -l, --long     state, users, taints, whether debug information is loaded
    -p, --parameters  parameters and their values
    -s, --sections    where sections were loaded
    --details=M    all of one module, with its symbols
    --disasm=M     disassemble the functions of one module
    --json         the same as JSON

EXAMPLES
    crash> modinfo -t -l
    crash> modinfo -p nf_*
    crash> modinfo --details=loop
"""),
    ("mountshow", "mounts, and how the filesystems behind them are",
     "[--mounts|--stats] [--pid=N|--ns=ADDR] [--type=TYPES] [--json] [MOUNT ...]", """\
  Shows mounts as /proc/PID/mountinfo does: those of the first process, or of
  another.  A MOUNT is where it is mounted, or the address of a struct mount.

    --mounts         device, mount point and type, and then the options
    --stats          also how full and how well the filesystem is: frozen, shut
                     down, errors; journal, cached inodes, dirty pages, layers of
                     an overlay, and who waits for it
    --pid=N          as this process sees them
    --ns=ADDR        those of this struct mnt_namespace
    --type=TYPES     only of these types of filesystems: ext4,xfs
    --json           the same as JSON

EXAMPLES
    crash> mountshow --type=ext4,xfs
    crash> mountshow --stats /home
"""),
    ("pstree", "processes as a tree", "[-p] [-g] [-s] [-u] [-t PID [--parents]] [options]", """\
  Shows the processes of the dump below their parents.

    -p               show PIDs
    -g               show the number of threads of processes that have several
    -s               show states, two letters each
    -u               show users where they change
    -t PID           start at this process: a PID, a TID or the address of a task
    --parents        with -t: the path to it, too
    --depth=N        N levels only
    --state=ST       only processes in these states, and what leads to them: RU,UN
    --comm=PATTERN   only processes of these names, and what leads to them
    --compact        subtrees that look alike once: 56*[sleep]
    --json           the same as JSON

EXAMPLES
    crash> pstree -p -t 1
    crash> pstree -s --state=UN
"""),
    ("repl", "Python to talk to, with the structs of the dump", "[--ipython] [--no-history]", """\
  Reads Python, runs it, and shows what comes of it.  What is defined there is
  seen by later programs, and what programs have left is there.  Ctrl-D returns
  to crash.

    --ipython        in IPython, if that is installed
    --no-history     without the lines of earlier sessions, and keep none of this

  Tab completes names, members of structs, and in strings types and symbols.
  THING? tells what a struct, type, symbol, function or object is.
  %help lists what else can be typed: programs, commands of crash and the shell.

EXAMPLES
    crash> repl
    >>> task = readSymbol("init_task")
    >>> task.tasks
    >>> task.mm?
    >>> %run taskinfo --summary
    >>> %crash bt | head
"""),
    ("stacks", "kernel stacks, frame by frame", "[-a] [-g] [-l] [-r] [--json] [PID|TASK ...]", """\
  Shows the kernel stacks of tasks, found by the kernel's own unwind tables: of
  those that are named by PID or address, else of those that were on a CPU.

    -a, --all        of all tasks
    -g, --group      equal stacks once, the most frequent first
    -l, --lines      with source files and lines
    -r, --registers  with the registers that user space was left with
    --json           as JSON; -h tells what is in it

EXAMPLES
    crash> stacks 1
    crash> stacks --group
"""),
    ("taskinfo", "tasks, their states and when they last ran",
     "[--summary|--hang|--recent|--times|--pidinfo=PID|--pstree|--memory|--ns] [options]", """\
  Lists all tasks by process: which CPU they are on, how long ago they were put
  on it, their state in two letters, and the user.  > marks those on a CPU now.

    --summary        how many threads ran recently, how many are in which state
    --hang           uninterruptible tasks, the first and the last of --recent
    -r, --recent     all threads, those first that ran last
    --times          when each was started, the oldest first; the last with -r
    --pidinfo=PID    details of a task, given by its PID or address
    --pstree         the tree of processes, with --pidinfo of one
    --memory         processes with most memory, and what it is made of
    --ns             tasks in namespaces of their own
    --maxpids=N      how many tasks --hang and --memory show (8)
    --cmd=C          run the crash command C with each PID
    --wait           the function each sleeps in, and what UN ones wait for
    --json           the same as JSON
    -v               stacks too

  Lists can be limited to some tasks:

    --taskfilter=ST  in these states: RU,UN
    --comm=PATTERN   of these names: 'kworker*'
    --uid=N          of this user
    --cpu=N          on this CPU, now or last
    --older=TIME     that have not run for so long: 120s, 2m, 1h, 1d

EXAMPLES
    crash> taskinfo --summary
    crash> taskinfo --recent --taskfilter=UN -v
    crash> taskinfo --wait --older=2m --comm='nfsd*'
"""),
    ("tslog", "the kernel's log with the time of day",
     "[--utc|--tz=ZONE] [--since=TIME] [--until=TIME] [--level=LEVEL] [--grep=RE] [options]", """\
  Prints the messages of the kernel's log with the date and time at which they
  were logged, in your time zone.  Drift of the log's clock and suspends of the
  machine are taken into account, and told behind the log.

    --utc, --tz=ZONE   in another time zone: Europe/Paris, +02:00
    --since, --until   from and to a TIME: "2026-11-21 04:58", 04:58:34, 12.5
                       (seconds since boot), -5m (before the last message)
    --level=LEVEL      so urgent or more: err; some levels: warn,err
    --grep=RE          in which a regular expression matches
    --subseconds       microseconds, too
    --relative         seconds before the last message instead
    --raw              seconds since boot instead, as dmesg prints them
    --caller           who printed it: T17 a thread, C1 an interrupt on a CPU
    --json             the same as JSON, with jumps of the clock

EXAMPLES
    crash> tslog --level=err --since=-10m
    crash> tslog --utc --subseconds --grep "eth0|link"
"""),
)

if __name__ == "__main__":
    for name, short, _synopsis, _help in COMMANDS:
        print(f"{name:<12} {short}")
