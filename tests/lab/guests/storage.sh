#!/bin/sh
# The guest "storage": filesystems of every kind, healthy, full, frozen, with errors and shut down;
# block devices with I/O that never ends; a journal whose commit cannot go on.

export PATH=/bin:/sbin HOME=/ LAB_GUEST=storage DM_DISABLE_UDEV=1

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs -o size=16m,mode=0700 tmpfs /tmp
while read -r module; do
    case $module in
    */zram.ko) insmod "$module" num_devices=12 ;;
    *) insmod "$module" || echo "lab: cannot insert $module" ;;
    esac
done </lab/modules
hostname lab-storage
ip link set lo up

# -- disks and what is on them -----------------------------------------------------------------

# zram N SIZE: a disk in compressed memory, of which zeros take nothing
zram() {
    echo lz4 >"/sys/block/zram$1/comp_algorithm"
    echo "$2" >"/sys/block/zram$1/disksize"
}

# ext N TYPE NAME [OPTION ...]: an ext filesystem on it, without what 5.10 does not know
ext() {
    number=$1 type=$2 name=$3
    shift 3
    mkdir -p "/mnt/$name"
    /lab/tools/mke2fs -q -F -E nodiscard -t "$type" -O ^orphan_file,^metadata_csum_seed "$@" "/dev/zram$number"
    mount -t "$type" "/dev/zram$number" "/mnt/$name"
}

linear() {
    /lab/tools/dmsetup create "$1" --table "0 $(cat "/sys/block/$2/size") linear /dev/$2 0"
}

for number in 0 1 2 3 4; do
    zram $number 64M
done
zram 5 300M
zram 6 300M
zram 7 256M
zram 8 256M
zram 9 64M
zram 10 32M

# -- a frozen filesystem, and a loop device on it ------------------------------------------------

ext 2 ext4 frozen
dd if=/dev/zero of=/mnt/frozen/disk.img bs=1M count=8 2>/dev/null
dd if=/dev/zero of=/mnt/frozen/other.img bs=1M count=8 2>/dev/null
losetup /dev/loop0 /mnt/frozen/disk.img
losetup /dev/loop1 /mnt/frozen/other.img
echo mq-deadline >/sys/block/loop1/queue/scheduler
echo none >/sys/block/loop0/queue/scheduler
sync /mnt/frozen/other.img
fsfreeze --freeze /mnt/frozen
touch /mnt/frozen/new &
touch /mnt/frozen/newer &
dd if=/dev/zero of=/dev/loop0 bs=4k count=1 seek=16 oflag=direct 2>/dev/null &
dd if=/dev/zero of=/dev/loop0 bs=8k count=1 seek=32 oflag=direct 2>/dev/null &
dd if=/dev/zero of=/dev/loop1 bs=4k count=1 seek=64 oflag=direct 2>/dev/null &

# -- filesystems, well and not ---------------------------------------------------------------------

ext 0 ext4 good
mkdir -p /mnt/good/lower /mnt/good/upper /mnt/good/work /mnt/good/dir
for number in 1 2 3 4 5 6 7 8; do
    echo "file $number" >"/mnt/good/dir/file-$number"
done
ext 1 ext4 full -m 10
dd if=/dev/zero of=/mnt/full/all bs=64k 2>/dev/null
ext 3 ext4 errors -e remount-ro
echo lab >/mnt/errors/file
ext 4 ext4 shut
echo lab >/mnt/shut/file
sync /mnt/errors/file /mnt/shut/file
echo "lab error" >/sys/fs/ext4/zram3/trigger_fs_error
goingdown /mnt/shut

mkdir -p /mnt/xfs /mnt/xfsdown /mnt/btrfs /mnt/btrfsdown /mnt/tmpfs /mnt/inodes /mnt/overlay /mnt/bound
/lab/tools/mkfs.xfs -q -f -K /dev/zram5
mount -t xfs /dev/zram5 /mnt/xfs
dd if=/dev/zero of=/mnt/xfs/some bs=1M count=20 2>/dev/null
/lab/tools/mkfs.xfs -q -f -K /dev/zram6
mount -t xfs /dev/zram6 /mnt/xfsdown
echo lab >/mnt/xfsdown/file
goingdown /mnt/xfsdown
/lab/tools/mkfs.btrfs -q -f -K /dev/zram7
mount -t btrfs /dev/zram7 /mnt/btrfs
dd if=/dev/zero of=/mnt/btrfs/some bs=1M count=20 2>/dev/null
# A btrfs whose disk fails: a transaction is aborted.
linear lab-failing zram8
/lab/tools/mkfs.btrfs -q -f -K /dev/mapper/lab-failing
mount -t btrfs /dev/mapper/lab-failing /mnt/btrfsdown
sync -f /mnt/btrfsdown
/lab/tools/dmsetup suspend lab-failing
/lab/tools/dmsetup load lab-failing --table "0 $(cat /sys/block/zram8/size) error"
/lab/tools/dmsetup resume lab-failing
echo lab >/mnt/btrfsdown/file
sync -f /mnt/btrfsdown
# Somebody else reads what it has, by requests.
losetup -r /dev/loop3 /dev/mapper/lab-failing
dd if=/dev/loop3 of=/dev/null bs=4k count=1 skip=40000 2>/dev/null
mount -t tmpfs -o size=8m some /mnt/tmpfs
dd if=/dev/zero of=/mnt/tmpfs/some bs=1M count=5 2>/dev/null
mount -t tmpfs -o size=4m,nr_inodes=40 few /mnt/inodes
touch $(seq 40 | sed "s|^|/mnt/inodes/|") 2>/dev/null
dd if=/dev/zero of=/tmp/disk.img bs=64k count=16 2>/dev/null
losetup -r -o 4096 /dev/loop2 /tmp/disk.img
mount -t overlay -o lowerdir=/mnt/good/lower,upperdir=/mnt/good/upper,workdir=/mnt/good/work \
    overlay /mnt/overlay
mount -o bind /mnt/good/dir /mnt/bound
mount -o remount,bind,ro /mnt/bound
mkdir -p /mnt/remounted
mount -t ext4 /dev/zram0 /mnt/remounted
unshare --mount sh -c 'mount -t tmpfs inner /mnt/good; sleep 100003; true' &

# -- devices of the device mapper: a slow one, and a suspended one under a journal -----------------

/lab/tools/dmsetup create lab-slow --table "0 $(cat /sys/block/zram10/size) delay /dev/zram10 0 3600000"
dd if=/dev/mapper/lab-slow of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null &

linear lab-stuck zram9
/lab/tools/mke2fs -q -F -E nodiscard -t ext3 /dev/mapper/lab-stuck
mkdir /mnt/stuck
mount -t ext3 /dev/mapper/lab-stuck /mnt/stuck
dd if=/dev/zero of=/mnt/stuck/large bs=1M count=8 2>/dev/null
echo lab >/mnt/stuck/small
umount /mnt/stuck
mount -t ext3 /dev/mapper/lab-stuck /mnt/stuck
ls -l /mnt/stuck >/dev/null
chmod 600 /mnt/stuck/small
sync -f /mnt/stuck
/lab/tools/dmsetup suspend --noflush --nolockfs lab-stuck
# It has a handle of the transaction, and waits for a block that nobody reads.
truncate -s 40960 /mnt/stuck/large &
usleep 300000
# The commit waits for that handle; who has asked for the commit, and who comes later, wait for it.
chmod 640 /mnt/stuck/small
sync /mnt/stuck/small &
usleep 300000
chmod 644 /mnt/stuck/small &
# All that shall be older than half a minute, the timeout of requests.
sleep 34

# -- what the others do not tell -------------------------------------------------------------------

storage_account() {
    cut -d ' ' -f 2 mounts | sort -u >/tmp/points
    section statfs sh -c 'while read -r point; do
        stat -f -c "%n|%s|%S|%b|%f|%a|%c|%d|%l" "$point"
    done </tmp/points'
    section sys/fs grep -s '' /sys/fs/ext4/*/*
    section sys/block sh -c 'for disk in /sys/block/*; do
        grep -s "" $disk/* $disk/queue/* $disk/mq/*/* $disk/loop/* $disk/dm/*
    done'
    section debug/block sh -c 'cd /sys/kernel/debug/block &&
        grep -s "" */state */*_list */hctx*/busy */hctx*/tags */hctx*/sched_tags'
    section jbd2 grep -s '' fs/jbd2/*/info
    section dm /lab/tools/dmsetup table
    section dm/info /lab/tools/dmsetup info
    section listing ls -ln /mnt/good/dir
}
export LAB_MORE=storage_account

. /lab/account.sh
