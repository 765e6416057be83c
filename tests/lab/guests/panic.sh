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
    [ "$LAB_CAUSE" != hard ] || taskset -p 1 $$ >/dev/null
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
