"""The processes that have been running longest: an example of a program of one's own.

Put the directory it is in on PYKDUMPPATH and type `epython oldest [N]` in crash.
"""

import sys

from pykdump.API import readSUListFromHead


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    tasks = readSUListFromHead("init_task", "tasks", "struct task_struct")
    user = [task for task in tasks if task.mm]
    print(f"{'PID':>7}  {'STARTED':>10}  COMMAND")
    for task in sorted(user, key=lambda task: task.start_time)[:count]:
        print(f"{task.pid:>7}  {task.start_time / 1e9:>9.2f}s  {task.comm}")


if __name__ == "__main__":
    main()
