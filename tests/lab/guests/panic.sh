#!/bin/sh
# The guests "panic-...": LAB_CAUSE, from the kernel's command line, says what they die of
# (lab_panic.c, or what is here). Of themselves they tell who it was.

export PATH=/bin HOME=/
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o size=100% tmpfs /tmp
while read -r module; do
    insmod "$module" || echo "lab: cannot insert $module"
done </lab/modules
[ ! -e /lab/lab_panic.ko ] || insmod /lab/lab_panic.ko
# Everything that the log tells of, and a kernel survives.
[ ! -e /lab/lab_troubles.ko ] || (insmod /lab/lab_troubles.ko && rmmod lab_troubles)

# account PID COMM: of whose doing it is
account() {
    dmesg -n 1
    stty -opost </dev/console
    echo "@@@ lab account begins"
    echo "@@@ cause"
    echo "$LAB_CAUSE"
    echo "@@@ pid"
    echo "$1"
    echo "@@@ comm"
    echo "$2"
    echo "@@@ modules"
    cat /proc/modules
    echo "@@@ log"
    dmesg
    echo "@@@ files"
    grep '' $LAB_MORE /dev/null
    echo "@@@ lab account ends"
    # The kernel prints past what waits in the terminal's buffer: setting a mode waits for its end.
    stty opost </dev/console
}

case $LAB_CAUSE in
init)
    account 1 init
    exit 7
    ;;
poked)
    # from outside
    account 0 ''
    echo "lab: ready"
    sleep 100000
    ;;
corrected)
    # The hardware reports an error that it has corrected; nobody is told unless he asks.
    echo 1 >/sys/devices/system/machinecheck/machinecheck0/check_interval
    account 0 ''
    echo "lab: listens"
    until dmesg | grep -q "Machine check events logged"; do
        usleep 100000
    done
    # What comes shortly before the end is of the end.
    sleep 3
    echo "lab: ready"
    sleep 100000
    ;;
memcg)
    # Of the first version. Others have more memory than who is in the group that has no more.
    mkdir -p /sys/fs/cgroup
    mount -t tmpfs tmpfs /sys/fs/cgroup
    mkdir /sys/fs/cgroup/memory
    mount -t cgroup -o memory cgroup /sys/fs/cgroup/memory
    cd /sys/fs/cgroup/memory
    mkdir lab lab/inner lab-other
    echo 1 >lab/memory.use_hierarchy
    echo 16M >lab/memory.limit_in_bytes
    (
        echo 0 >lab-other/cgroup.procs
        dd if=/dev/zero of=/tmp/other bs=4M count=1
        dd if=/dev/zero bs=32M count=1 | sleep 100000 &
    )
    sleep 1
    for group in lab lab-other; do
        for file in usage max_usage limit memsw.usage memsw.limit; do
            LAB_MORE="$LAB_MORE $group/memory.${file}_in_bytes"
        done
    done
    (
        printf lab-trigger >/proc/self/comm
        read -r pid rest </proc/self/stat
        echo 0 >lab/inner/cgroup.procs
        account "$pid" dd
        exec dd if=/dev/zero of=/dev/null bs=64M
    )
    ;;
memory | memory-none)
    # None may be killed but the one that takes it all, or not even that one.
    echo -1000 >/proc/1/oom_score_adj
    echo 1 >/proc/sys/vm/overcommit_memory
    (
        printf lab-trigger >/proc/self/comm
        [ "$LAB_CAUSE" = memory ] && echo 1000 >/proc/self/oom_score_adj
        read -r pid rest </proc/self/stat
        account "$pid" dd
        exec dd if=/dev/zero of=/dev/null bs=4000M
    )
    ;;
*)
    # Where QEMU's NMI comes to.
    case $LAB_CAUSE in hard | watched) taskset -p 1 $$ >/dev/null ;; esac
    (
        printf lab-trigger >/proc/self/comm
        read -r pid rest </proc/self/stat
        account "$pid" lab-trigger
        # Panics that are asked for by name have their own settings on the kernel's command line.
        echo "$LAB_CAUSE" >/sys/module/lab_panic/parameters/cause
    )
    ;;
esac
sleep 100000
