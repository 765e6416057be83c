#!/bin/sh
# The guest "locks": threads that wait for each other on every kind of lock (lab_locks.c), and for a
# frozen filesystem. The machine has slept a while.

export PATH=/bin HOME=/ LAB_GUEST=locks

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs -o size=16m,mode=0700 tmpfs /tmp
mkdir -p /mnt/disk

# Some seconds of sleep, which the clock of the log does not count.
echo "lab: it is $(date +%s)" >/dev/kmsg
echo +4 >/sys/class/rtc/rtc0/wakealarm
echo mem >/sys/power/state
echo "lab: it is $(date +%s)" >/dev/kmsg

while read -r module; do
    insmod "$module" || echo "lab: cannot insert $module"
done </lab/modules
hostname lab-locks
ip link set lo up

dd if=/dev/zero of=/tmp/disk.img bs=1M count=4 2>/dev/null
mke2fs -F /tmp/disk.img >/dev/null 2>&1
losetup /dev/loop0 /tmp/disk.img
mount -t ext2 /dev/loop0 /mnt/disk
fsfreeze --freeze /mnt/disk

touch /mnt/disk/new &

# A daemon that does not read what it is sent, until who sends must wait.
syslogd -n -O /tmp/messages &
daemon=$!
until [ -S /dev/log ]; do
    usleep 10000
done
kill -STOP $daemon
(while :; do logger -t lab "nobody reads this"; done) &

insmod /lab/lab_taint.ko
rmmod lab_taint
insmod /lab/lab_taint.ko number=-7 truth=0 text=other numbers=1,2,3 bits=18446744073709551615
insmod /lab/lab_locks.ko
usleep 700000

echo "lab: it is $(date +%s)" >/dev/kmsg

. /lab/account.sh
