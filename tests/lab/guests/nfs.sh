#!/bin/sh
# The guest "nfs": a server and a client of NFS in one machine, mounts of every version with files open
# and locked; and a second server, in a network of its own, that stops answering.

export PATH=/bin:/sbin HOME=/ LAB_GUEST=nfs

# -- servers ---------------------------------------------------------------------------------------

# export_path FSID KEY PATH: 25634 is insecure, no_wdelay, no_subtree_check, fsid=, crossmnt
export_path() {
    echo "lab 1 \\x$2 2147483647 $3" >/proc/net/rpc/nfsd.fh/channel
    echo "lab $3 2147483647 25634 65534 65534 $1" >/proc/net/rpc/nfsd.export/channel
}

# serve ADDRESS ...: to the clients there. Nobody has to reclaim anything, and leases are long: they are
# not renewed while the account is printed.
serve() {
    mount -t nfsd nfsd /proc/fs/nfsd
    for address; do
        echo "nfsd $address 2147483647 lab" >/proc/net/rpc/auth.unix.ip/channel
    done
    export_path 0 00000000 /srv
    export_path 1 01000000 /srv/other
    rpcd lab
    echo 3600 >/proc/fs/nfsd/nfsv4leasetime
    echo 10 >/proc/fs/nfsd/nfsv4gracetime
    echo "+3 +4 +4.1 +4.2" >/proc/fs/nfsd/versions
    echo "tcp 2049" >/proc/fs/nfsd/portlist
    echo 3 >/proc/fs/nfsd/threads
    echo Y >/proc/fs/nfsd/v4_end_grace
}

# The second server is this script in namespaces of its own.
if [ "$1" = second ]; then
    hostname lab-second
    ip link set lo up
    until ip link show veth0 >/dev/null 2>&1; do usleep 10000; done
    ip addr add 10.0.9.2/24 dev veth0
    ip link set veth0 up
    serve 10.0.9.1
    touch /run/serving
    until [ -e /run/die ]; do usleep 10000; done
    ip addr del 10.0.9.2/24 dev veth0
    touch /run/dead
    exec sleep 100003
fi

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs -o size=16m,mode=0700 tmpfs /tmp
while read -r module; do
    insmod "$module" || echo "lab: cannot insert $module"
done </lab/modules
hostname lab-nfs
ip link set lo up

echo 3 >/proc/sys/fs/nfs/nlm_timeout
echo 3 >/proc/sys/fs/nfs/nlm_grace_period
mkdir -p /srv /var/lib/nfs/v4recovery
mount -t tmpfs -o size=16m tmpfs /srv
mkdir /srv/other
mount -t tmpfs -o size=8m tmpfs /srv/other
for number in 1 2 3 4 5 6 7 8; do
    echo "file $number" >"/srv/file-$number"
done
dd if=/dev/zero of=/srv/large bs=64k count=16 2>/dev/null
echo other >/srv/other/file
unshare -m -n -u sh /init second &
second=$!
ip link add near type veth
usleep 200000
ip link set veth0 netns $second
ip addr add 10.0.9.1/24 dev near
ip link set near up
until [ -e /run/serving ]; do usleep 10000; done
serve 127.0.0.1 ::1

# -- mounts ----------------------------------------------------------------------------------------

# nfs NAME TYPE SOURCE OPTIONS
nfs() {
    mkdir -p "/mnt/$1"
    mount -i -t "$2" -o "$4" "$3" "/mnt/$1" || echo "lab: cannot mount $1"
}

local=addr=127.0.0.1
nfs v3 nfs 127.0.0.1:/srv "$local,vers=3,proto=tcp,mountproto=tcp,hard,rsize=65536,wsize=32768"
nfs v3soft nfs 127.0.0.1:/srv "$local,vers=3,proto=tcp,ro,soft,timeo=50,retrans=4,nolock,noac,nosharecache"
nfs v3local nfs 127.0.0.1:/srv/other \
    "$local,vers=3,proto=tcp,local_lock=flock,nordirplus,noacl,nocto,actimeo=17,nosharecache"
nfs v40 nfs4 127.0.0.1:/ "$local,vers=4.0,clientaddr=127.0.0.1,acregmin=10,acdirmax=120"
nfs v41 nfs4 127.0.0.1:/ "$local,vers=4.1,clientaddr=127.0.0.1,sec=sys,nconnect=3,noatime"
nfs v42 nfs4 127.0.0.1:/ "$local,vers=4.2,clientaddr=127.0.0.1,sync,lookupcache=pos,nosharecache"
nfs v6 nfs4 '[::1]:/' "addr=::1,vers=4.2,clientaddr=::1,proto=tcp6,softerr,softreval"
far=addr=10.0.9.2,timeo=20,retrans=1
nfs far3 nfs 10.0.9.2:/srv "$far,vers=3,proto=tcp,nolock"
nfs far4 nfs4 10.0.9.2:/ "$far,vers=4.1,clientaddr=10.0.9.1"

# -- files -----------------------------------------------------------------------------------------

# Opens file-5 until the server gives the client a delegation, which it does not before it has found
# that it can call the client back.
delegation() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 100008 </mnt/v4$1/file-5 &
        usleep 200000
        [ "$(cat /proc/fs/nfsd/clients/*/states | grep -c 'type: deleg.*file-5"')" -gt "$1" ] && return
        kill $!
        wait $!
    done
}

ls -l /mnt/v42/other /mnt/v3 /mnt/v41 >/dev/null
cat /mnt/v3/large /mnt/v40/large /mnt/v41/file-* >/dev/null
dd if=/dev/zero of=/mnt/v41/written bs=16k count=10 2>/dev/null
dd if=/mnt/v3/large of=/mnt/v42/copied bs=4k count=3 iflag=direct oflag=direct 2>/dev/null
for version in 0 1 2; do
    sleep 100005 </mnt/v4$version/file-$((1 + version)) &
    sleep 100006 >/mnt/v4$version/open-$version &
    holdlock /mnt/v4$version/file-4 $((10 * version)) 5 &
    usleep 100000
    delegation $version
done
sleep 100009 >/mnt/v3/open-3 &
holdlock /mnt/v3/file-6 100 0 &

# -- a server that does not answer -------------------------------------------------------------------

# A server that has just started lets nobody open files, for ten seconds.
(exec 3</mnt/far4/file-2; touch /run/opened; exec sleep 100011) &
(until [ -e /run/dead ]; do usleep 10000; done
 exec dd if=/dev/zero bs=4k count=4 conv=fsync 2>/dev/null) >/mnt/far3/written &
ls /mnt/far3 /mnt/far4 >/dev/null
until [ -e /run/opened ]; do usleep 10000; done
touch /run/die
until [ -e /run/dead ]; do usleep 10000; done
mkdir /mnt/far3/first &
usleep 300000
mkdir /mnt/far3/second &
cat /mnt/far4/file-3 &
# until the client has given up more than once, and says so
sleep 10

# -- what the others do not tell -------------------------------------------------------------------

# it would wait for that server
df() {
    :
}

nfs_account() {
    section mountstats cat self/mountstats
    section nfsfs sh -c 'grep "" fs/nfsfs/*'
    section net/rpc sh -c 'grep "" net/rpc/nfs net/rpc/nfsd net/rpc/*/content'
    section nfsd sh -c 'grep "" fs/nfsd/exports fs/nfsd/threads fs/nfsd/pool_stats fs/nfsd/versions \
        fs/nfsd/portlist fs/nfsd/clients/*/*'
    section sunrpc sh -c 'cd /sys/kernel/debug/sunrpc && grep -r "" .'
}
export LAB_MORE=nfs_account

. /lab/account.sh
