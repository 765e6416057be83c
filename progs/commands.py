"""The programs that are crash commands of their own; run as a program, it lists them."""

# name, short text, synopsis, help; only those that the archive holds are registered
COMMANDS = (
    ("pstree", "processes as a tree", "[-p] [-g] [-s] [-t PID]", """\
  Shows the processes of the dump below their parents.

    -p      show PIDs
    -g      show the number of threads of processes that have several
    -s      show states, two letters each
    -t PID  start at this process: a PID, a TID or the address of a task

EXAMPLES
    crash> pstree -p -t 1
"""),
    ("taskinfo", "tasks, their states and when they last ran",
     "[--summary|--hang|--recent|--pidinfo=PID|--pstree|--memory|--ns] [options]", """\
  Lists all tasks by process: which CPU they are on, how long ago they were put
  on it, their state in two letters, and the user.  > marks those on a CPU now.

    --summary        how many threads ran recently, how many are in which state
    --hang           uninterruptible tasks, the first and the last of --recent
    -r, --recent     all threads, those first that ran last
    --pidinfo=PID    details of a task, given by its PID or address
    --pstree         the tree of processes, with --pidinfo of one
    --memory         processes with most memory
    --ns             tasks in namespaces of their own
    --maxpids=N      how many tasks --hang and --memory show (8)
    --taskfilter=ST  only tasks in these states: RU,UN
    --cmd=C          run the crash command C with each PID
    --json           lists and the summary as JSON
    -v               stacks too

EXAMPLES
    crash> taskinfo --summary
    crash> taskinfo --recent --taskfilter=UN -v
"""),
)

if __name__ == "__main__":
    for name, short, _synopsis, _help in COMMANDS:
        print(f"{name:<12} {short}")
