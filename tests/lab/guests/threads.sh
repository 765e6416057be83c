#!/bin/sh
# The guest "threads": 5,000 threads (crowd.c), processes in every state (states.c), in namespaces
# and cgroups, frozen ones, deep kernel stacks and a CPU in softirq context (lab_deep.c).

# The stacks of all of them would take the serial line too long.
export PATH=/bin HOME=/ LAB_GUEST=threads LAB_STACKS='[0-9]*/task/[0-9]*0/stack'

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs -o size=16m,mode=0700 tmpfs /tmp
mount -t tmpfs -o nosuid,nodev tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/ready /sys/fs/cgroup/lab/inner /sys/fs/cgroup/frozen
while read -r module; do
    insmod "$module" || echo "lab: cannot insert $module"
done </lab/modules
hostname lab-threads
ip link set lo up
# For 512 MB the kernel means to have fewer.
echo 20000 >/proc/sys/kernel/threads-max
# CPU 1 is for the one that burns it.
taskset -p 1 $$ >/dev/null

start() {
    program=$1
    shift
    ln -s "$program" "/bin/$1"
    "$@" &
    until [ -e "/run/ready/$1" ]; do
        usleep 10000
    done
}

for state in vfork neglect stopper tracer tree realtime user sleeper; do
    start states "lab-$state"
done
echo $! >/sys/fs/cgroup/lab/inner/cgroup.procs
for role in crowd spaces memory bound; do
    start crowd "lab-$role"
done
for number in 1 2 3 4 5 6; do
    sleep 100001 &
done
for number in 1 2 3; do
    sleep 100002 &
    echo $! >/sys/fs/cgroup/frozen/cgroup.procs
done
# A process that runs whenever it may, which is hardly ever, in a group of the scheduler's own.
burn() {
    sh -c "printf $1 >/proc/self/comm; while :; do :; done" &
    echo $! >"/sys/fs/cgroup/$2/cgroup.procs"
}
echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p /sys/fs/cgroup/tight /sys/fs/cgroup/nested/inner
echo +cpu >/sys/fs/cgroup/nested/cgroup.subtree_control
echo 1 >/sys/fs/cgroup/nested/cpu.weight
echo "1000 1000000" >/sys/fs/cgroup/tight/cpu.max
burn lab-held tight
burn lab-grouped nested/inner
sleep 1
echo 1 >/sys/fs/cgroup/frozen/cgroup.freeze
insmod /lab/lab_deep.ko
ln -s states /bin/lab-burner
taskset 2 /bin/lab-burner &
until [ -e /run/ready/lab-burner ]; do
    usleep 10000
done
sleep 1

# After one ms of a second lab-held must wait for the next one.
LAB_LAST="echo 1000 1000000 >/sys/fs/cgroup/tight/cpu.max; echo 1 >/sys/module/lab_deep/parameters/spin; usleep 100000"
. /lab/account.sh
