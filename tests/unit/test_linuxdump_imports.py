"""Every module of LinuxDump can be imported where there is no kernel to ask: the fakes raise."""

import importlib
import pkgutil
import sys

import pytest


def all_modules():
    import LinuxDump
    return sorted(info.name for info in pkgutil.walk_packages(LinuxDump.__path__, "LinuxDump."))


# What programs import, and whether it is there yet or not.
NAMES = {
    "Analysis": "check_possible_hang check_memory_pressure check_hanging_nfsd check_saphana "
                "print_pidlist print_wait_for_AF_UNIX get_tentative_arg get_interesting_arguments",
    "BTstack": "exec_bt bt_mergestacks fastSubroutineStacks verifyFastSet",
    "CpuFreq": "cpufreq_cpu_data print_cpufreq",
    "Dev": "print_blkdevs print_dm_devices print_gendisk print_request_queues print_blk_cpu_done "
           "print_request_slab get_blkreq_fromslab decode_devt get_blkdevs get_gendisks BDEV_I",
    "KernLocks": "spin_is_locked get_mutex_waiters get_rwsemaphore_tasks decode_mutex "
                 "decode_semaphore decode_rwsemaphore ticket_spin_is_locked",
    "Slab": "get_slab_addrs",
    "Tasks": "TaskTable Task TASK_STATE percpu proto exec_bt get_dentry_name namedtuple "
             "defaultdict textwrap tasksSummary decode_waitq decode_tflags print_memory_stats "
             "get_task_mem_usage get_ipcs_m get_task_shm_usage vma2sysv print_mm_stats "
             "get_ioctx_list getRunQueues sched_clock2ms jiffie_clock_base get_uptime ms2uptime",
    "Time": "j_delay ktime_t get_ktime_j sched_clock tkr_time seconds_since_boot get_seconds "
            "getboottime get_uptime_fromcrash get_uptime_fromproc",
    "WorkQueues": "print_all_workqueues cpumask_to_cpulist for_all_cpus LH_isempty get_pwq "
                  "for_each_pwq print_worker_pool",
    "block": "get_all_request_queues get_queue_requests rq_names crashcolor",
    "dlkm": "lsmod modules tainting_modules",
    "dm": "get_dm_devices bdev_name get_size get_vg_lv_names",
    "fregsapi": "DisasmFlavor search_for_registers __version__",
    "fs.ext3": "showExt3",
    "fs.nfs4_fs_h": "nfs_client nfs_server nfs_delegation NFS4_CLIENT_STATE",
    "inet.netdevice": "dev_base_list print_If get_host_IPs hwaddr2str ARP_HW get_ifa_list "
                      "get_inet6_devs netdev_priv snetmask IFF_FLAGS getStats",
    "inet.neighbour": "print_neighbour_info",
    "inet.netfilter": "nf",
    "inet.proto": "P_FAMILIES PROTONAMES ntodots ntohs htonl sys IP_sock IP_conn_tw IP_rqs "
                  "get_TCP_LISTEN get_TCP_ESTABLISHED get_TCP_TIMEWAIT get_UDP get_RAW get_RAW6 "
                  "get_AF_UNIX unix_sock inode2socketaddr decodeSock protoName tcpState sockTypes "
                  "TCP_CA_STATE format_sockaddr_in print_accept_queue print_skbuff_head "
                  "decode_skbuf decode_IP_header decode_TCP_header analyze_tcp_rcv_win walk_skb "
                  "skb_shinfo retrans_since sock_V1",
    "inet.routing": "print_fib print_fib_rules print_rt_hash inet_make_mask",
    "inet.snmpstats": "snmp4_tables SnmpTable",
    "inet.summary": "TCPIP_Summarize IF_Summarize",
    "kmem": "parse_kmemf print_Zone check_kmemf",
    "nfsrpc": "NFS_flags NFS_caps RPC_flags get_nfs_mounts is_NFSD NFS_SERVER NFS_SB "
              "init_Structures ntodots",
    "pci": "print_PCI_devices print_PCI_resources print_pci",
    "scsi": "scsi_debuginfo_OK get_Scsi_Hosts_from_class scsi_device_lookup get_shost_states "
            "scsi_device_type scsi_target enum_shost_state enum_st_state defaultdict OrderedDict "
            "sys klistAll gendev2sd sysfs_fullpath blockdev_name print_SCSI_devices",
    "specialcases": "check_specialcases",
    "syscall": "sct decode_Stacks",
    "sysctl": "getCtlTables getCtlData print_sysctl",
}


@pytest.mark.parametrize("name", all_modules())
def test_a_module_is_imported_without_a_kernel(monkeypatch, name):
    for known in [known for known in sys.modules if known.split(".")[0] == "LinuxDump"]:
        monkeypatch.delitem(sys.modules, known)
    importlib.import_module(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_star_import_brings_what_programs_use(name):
    brought = {}
    exec(f"from LinuxDump.{name} import *", brought)
    module = importlib.import_module(f"LinuxDump.{name}")
    limited = getattr(module, "__all__", None)
    for wanted in NAMES[name].split():
        assert hasattr(module, wanted), wanted
        assert limited or wanted in brought or wanted.startswith("__"), wanted


def test_what_is_not_there_yet_says_so_when_it_is_called():
    from LinuxDump.absent import absent
    with pytest.raises(NotImplementedError) as caught:
        absent("LinuxDump.some", "function")()
    assert str(caught.value) \
        == "LinuxDump.some.function is not there yet in this version of mpykdump"


def test_what_is_made_late_is_made_when_it_is_used():
    from LinuxDump.absent import Late
    asked = []
    late = Late(lambda: asked.append(1) or {"a": 1})
    assert not asked
    assert late["a"] == 1 and "a" in late and list(late) == ["a"] and len(late) == 1
    assert list(late.items()) == [("a", 1)] and repr(late) == "{'a': 1}"


@pytest.mark.parametrize("number, name", [
    (0, "Direct-Access    "), (5, "CD-ROM           "), (0x1f, "No Device        "),
    (99, "Unknown          "), (-1, "Unknown          ")])
def test_kinds_of_scsi_devices_are_17_letters_wide(number, name):
    from LinuxDump.scsi import scsi_device_type
    assert scsi_device_type(number) == name


@pytest.mark.parametrize("text, names", [
    ("vg-root", ["vg", "root"]), ("my--vg-lv--1", ["my-vg", "lv-1"]), ("mpatha", ["mpatha", ""])])
def test_names_of_lvm_are_taken_apart(text, names):
    from LinuxDump.dm import get_vg_lv_names
    assert get_vg_lv_names(text) == names


@pytest.mark.parametrize("dev, pair", [(0x800010, (8, 16)), (0x0801, (8, 1)), (0, (0, 0))])
def test_device_numbers_of_both_widths(dev, pair):
    from LinuxDump.Dev import decode_devt
    assert decode_devt(dev) == pair


@pytest.mark.parametrize("bits, mask", [(0, "0.0.0.0"), (24, "255.255.255.0"),
                                        (32, "255.255.255.255")])
def test_masks_of_networks(bits, mask):
    from LinuxDump.inet import routing
    assert routing.ntodots(routing.inet_make_mask(bits)) == mask


def test_tables_of_flags_are_real():
    from LinuxDump import nfsrpc
    assert nfsrpc.RPC_flags["RPC_TASK_SENT"] == 0x800
    assert nfsrpc.NFS_flags["NFS_MOUNT_NOAC"] == 0x20 and nfsrpc.NFS_caps["NFS_CAP_ACLS"] == 8
