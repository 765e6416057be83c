#!/bin/sh
# The guest "memory": memory that is lost (lab_memory.c), swap that is full, cgroups at their limits,
# huge pages that nobody uses; in the end free lists are damaged and memory runs out.

export PATH=/bin HOME=/ LAB_GUEST=memory

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs -o size=16m,mode=0700 tmpfs /tmp
mount -t tmpfs -o nosuid,nodev tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/ready
while read -r module; do
    insmod "$module" || echo "lab: cannot insert $module"
done </lab/modules
hostname lab-memory
ip link set lo up

echo 30 >/proc/sys/vm/nr_hugepages
echo lz4 >/sys/block/zram0/comp_algorithm
echo 24M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
swapon /dev/zram0

echo 1 >/proc/sys/kernel/sysrq

# The memory of its own cgroup: NAME KILOBYTES LIMIT VALUE, and more words for hog.
limited() {
    group=/sys/fs/cgroup/$1
    mkdir "$group"
    echo "$4" >"$group/$3"
    (echo 0 >"$group/cgroup.procs" && exec hog "$1" "$2" $5) &
    until [ -e "/run/ready/$1" ]; do
        usleep 10000
    done
}

echo +memory >/sys/fs/cgroup/cgroup.subtree_control
# A bit more than it may have, which goes to swap.
limited lab-max 17500 memory.max 16M
# More than it may have, and more than swap takes: it waits again and again.
limited lab-high 65536 memory.high 24M again
# More than it may have, and none goes to swap.
mkdir /sys/fs/cgroup/lab-oom
echo 4M >/sys/fs/cgroup/lab-oom/memory.max
echo 0 >/sys/fs/cgroup/lab-oom/memory.swap.max
(echo 0 >/sys/fs/cgroup/lab-oom/cgroup.procs && exec dd if=/dev/zero of=/dev/null bs=16M)
hog lab-hog 140000 &
until [ -e /run/ready/lab-hog ]; do
    usleep 10000
done
insmod /lab/lab_memory.ko
# As long as averages of stalls take to be renewed.
sleep 3

for group in lab-high lab-max; do
    for file in memory.current memory.high memory.max memory.swap.current memory.events; do
        LAB_MORE="$LAB_MORE /sys/fs/cgroup/$group/$file"
    done
done
export LAB_MORE
LAB_LAST="echo 2 >/proc/sys/vm/overcommit_memory; echo 1 >/proc/sys/vm/overcommit_ratio
    echo 1 >/sys/module/lab_memory/parameters/last"
. /lab/account.sh
