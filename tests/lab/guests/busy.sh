#!/bin/sh
# The guest "busy": a small system with processes in every state, files, sockets, mounts and
# namespaces. It prints its account of itself to the serial line, for tests/lab/oracle.py, and
# then panics. It runs as process 1, from an initramfs of busybox and states.c.

export PATH=/bin HOME=/ LAB_GUEST=busy

# -- the ground --------------------------------------------------------------------------------

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs -o size=16m,mode=0700 tmpfs /tmp
mount -t tmpfs -o nosuid,nodev tmpfs /run
echo "lab: it is $(date +%s)" >/dev/kmsg
mkdir -p /run/ready /run/upper /run/work /mnt/disk /mnt/bound /mnt/overlay
while read -r module; do
    insmod "$module" || echo "lab: cannot insert $module"
done </lab/modules
hostname lab-busy
ip link set lo up
ip link add lab0 type dummy
ip addr add 192.0.2.1/24 dev lab0
ip link set lab0 up
ip route add 198.51.100.0/24 via 192.0.2.254

dd if=/dev/zero of=/tmp/disk.img bs=1M count=4 2>/dev/null
mke2fs -F /tmp/disk.img >/dev/null 2>&1
losetup /dev/loop0 /tmp/disk.img
mount -t ext2 /dev/loop0 /mnt/disk
for number in 1 2 3 4 5; do
    echo "file $number" >/mnt/disk/file-$number
done
mount -o bind /lab /mnt/bound
mount -t overlay -o lowerdir=/lab,upperdir=/run/upper,workdir=/run/work overlay /mnt/overlay
mkdir -p "/mnt/a	tab \\ blank" /mnt/jail/bin /mnt/peer /mnt/slave
touch "/mnt/one file"
mount -o bind /lab/modules "/mnt/one file"
mount -t tmpfs -o ro,nosuid,noexec,noatime,uid=7,gid=8,nr_inodes=99 nowhere "/mnt/a	tab \\ blank"
mount -o bind /bin /mnt/jail/bin
mount --make-shared /mnt/disk
mount -o bind /mnt/disk /mnt/peer
mount -o bind /mnt/disk /mnt/slave
mount --make-slave /mnt/slave
mkdir -p /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/lab

# -- the inhabitants ---------------------------------------------------------------------------

start() {
    ln -s states "/bin/$1"
    "/bin/$1" &
    until [ -e "/run/ready/$1" ]; do
        usleep 10000
    done
}

for state in threads vfork neglect stopper tracer tree pattern realtime user files waiter \
             sockets ipc; do
    start "lab-$state"
done
LAB_WORD="a value with spaces" LAB_EMPTY="" start lab-sleeper
echo $! >/sys/fs/cgroup/lab/cgroup.procs

sleep 100001 | cat | sort &
(cd /mnt/disk && exec tail -f file-1 >/tmp/tail.out) &
mkfifo /run/fifo
(exec cat /run/fifo) &
syslogd -n -O /tmp/messages &
httpd -f -p 127.0.0.1:8080 -h /lab &
telnetd -F -p 2323 -l /bin/sh &
nc -l -p 9000 >/dev/null &
sleep 100002 &
stopped=$!
chroot /mnt/jail sleep 100004 &
mkdir /tmp/gone
(cd /tmp/gone && rmdir /tmp/gone && exec sleep 100005) &
cp /bin/busybox /tmp/sleep
/tmp/sleep 100006 &
unshare --mount --uts --ipc --net --pid --fork --mount-proc \
    sh -c 'hostname lab-inner; mount -t tmpfs inner /mnt; sleep 100003; true' &
start lab-burner
sleep 1
kill -STOP $stopped
rm /tmp/sleep

# Messages of user space; the last one tells the time at which it was logged.
echo '<30>lab: from a daemon' >/dev/kmsg
printf 'lab: two\nlines' | cat >/dev/kmsg
printf 'lab: \033[31mred and \303\251' | cat >/dev/kmsg
echo "lab: it is $(date +%s)" >/dev/kmsg

. /lab/account.sh
