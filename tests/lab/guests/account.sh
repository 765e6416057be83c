# What a guest tells of itself on the serial line, for tests/lab/oracle.py, before it panics. Sourced
# by the scripts of guests when all is as it is to be dumped.

section() {
    echo "@@@ $1"
    shift
    "$@" 2>/dev/null
    echo
}

# Nothing may come between the lines, and the terminal shall not spend time on their ends.
dmesg -n 1
stty -opost </dev/console
cd /proc
echo "@@@ lab account begins"
section uname uname -a
section nproc nproc
section mounts cat mounts
section modules cat modules
section cmdline grep -a '' [0-9]*/cmdline /dev/null
section environ grep -a '' [0-9]*/environ /dev/null
section fds ls -l [0-9]*/fd
section stacks grep '' ${LAB_STACKS:-[0-9]*/task/[0-9]*/stack}
section maps grep '' [0-9]*/maps
section links ls -l [0-9]*/exe [0-9]*/cwd [0-9]*/root
section module-symbols grep '\[' kallsyms
section dmesg dmesg -r
loaded=$(cut -d ' ' -f 1 modules | sed 's|^|/sys/module/|')
section sys/module sh -c 'for module; do
    grep "" /dev/null $module/refcnt $module/initstate $module/coresize $module/taint \
        $module/version $module/srcversion $module/parameters/* $module/sections/.[a-z_]*
    echo "$module/build-id:$(hexdump -v -e "/1 \"%02x\"" $module/notes/.note.gnu.build-id)"
done' sh $loaded
if [ $LAB_GUEST = busy ]; then
    section proc/ioports cat ioports
    section proc/sys find sys -type f ! -name stat_refresh -exec grep -a '' /dev/null {} +
    section sys/pci grep '' /sys/bus/pci/devices/*/class /sys/bus/pci/devices/*/vendor \
        /sys/bus/pci/devices/*/device /sys/bus/pci/devices/*/revision \
        /sys/bus/pci/devices/*/resource
fi
for table in tcp tcp6 udp udp6 unix route arp dev; do
    section "net/$table" cat net/$table
done
for table in cgroups filesystems partitions devices iomem locks swaps cmdline version \
             sysvipc/shm sysvipc/sem sysvipc/msg \
             interrupts softirqs slabinfo vmstat buddyinfo pagetypeinfo zoneinfo diskstats \
             pressure/cpu pressure/memory pressure/io; do
    # it waits for a grace period, and none ends in that guest
    [ "$LAB_GUEST $table" = "locks locks" ] || section "proc/$table" cat "$table"
done
# files of cgroups and of parameters
section files grep '' $LAB_MORE /dev/null
section proc/mountinfo cat self/mountinfo
# of the first process, and of those that may see others than it does
section mountinfo grep '' 1/mountinfo $(for pid in $(pidof sleep); do echo "$pid/mountinfo"; done)
$LAB_MORE
section ifconfig ip addr
section df df -k
section meminfo cat meminfo
section loadavg cat loadavg
section uptime cat uptime
section stat cat [0-9]*/task/[0-9]*/stat
section status grep -hE \
    '^(Tgid|Pid|TracerPid|Uid|Gid|NSpid|VmSize|VmRSS|.*_ctxt_switches):' \
    [0-9]*/task/[0-9]*/status
section processes grep -E '^(Groups|Rss[AFS].*|VmSwap|VmPTE|Cap...|NoNewPrivs|Seccomp|Cpus_allowed_list):' \
    [0-9]*/status
section wchan grep '' [0-9]*/wchan
section cgroup grep '' [0-9]*/cgroup
section namespaces ls -l [0-9]*/ns
# The kernel starts workers and lets them go: which tasks there are at the very end.
section alive echo [0-9]*/task/[0-9]*
echo "@@@ lab account ends"
# The kernel prints past what still waits in the terminal's buffer: setting a mode waits for its end.
stty opost </dev/console
eval "$LAB_LAST"
echo c >sysrq-trigger
