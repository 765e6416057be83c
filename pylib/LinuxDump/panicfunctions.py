"""Owns which of the kernel's functions take part in its death: on whose behalf, and in what part.

Names are as on a stack, but for what compilers put behind a dot; those of all kernels, since a
kernel has none that means another thing.  Must not know stacks, nor what is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable

# -- what a function on the stack of who died says of the cause -----------------------------------

_MARKS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (cause, frozenset(names.split())) for cause, names in (
        ("sysrq", "sysrq_handle_crash"),
        ("machine-check", "mce_panic do_machine_check"),
        # 6.5: 1f423c905a6b ("watchdog/perf: rename watchdog_hld.c to watchdog_perf.c")
        ("hard-lockup", "watchdog_hardlockup_check watchdog_overflow_callback"),
        ("nmi", "unknown_nmi_error io_check_error pci_serr_error nmi_panic hpwdt_pretimeout"),
        ("soft-lockup", "watchdog_timer_fn"),
        ("rcu-stall", "panic_on_rcu_stall rcu_sched_clock_irq print_cpu_stall "
                      "print_other_cpu_stall check_cpu_stall"),
        ("stack-overflow", "handle_stack_overflow"),
        ("double-fault", "exc_double_fault do_double_fault"),
        ("stack-corruption", "__stack_chk_fail"),
        ("scheduling-while-atomic", "__schedule_bug"),
        ("warning", "__warn check_panic_on_warn"),
        ("cgroup-oom", "mem_cgroup_out_of_memory"),
        ("oom", "out_of_memory"),
        ("oops", "oops_end page_fault_oops no_context die die_addr die_kernel_fault"),
        ("no-root", "mount_root mount_root_generic mount_block_root prepare_namespace"),
        ("init-died", "do_exit do_group_exit make_task_dead"),
    ))
"""The first that is there counts: a panic within another one comes later."""


def cause_of(functions: Iterable[str]) -> str | None:
    """Why functions like these are on a stack; None for nothing that is known."""
    there = set(functions)
    return next((cause for cause, names in _MARKS if names & there), None)


# -- functions that only tell of what others have done --------------------------------------------

_MACHINERY = frozenset("""
    panic vpanic nmi_panic nmi_panic_self_stop panic_smp_self_stop panic_on_rcu_stall
    crash_kexec __crash_kexec machine_kexec crash_setup_regs native_machine_crash_shutdown
    delay_tsc delay_tpause delay_mwaitx delay_halt __delay __udelay __const_udelay
    cpu_relax native_halt native_safe_halt stop_this_cpu
    oops_end oops_begin die die_addr __die __die_body page_fault_oops no_context
    bad_area_nosemaphore __bad_area_nosemaphore kernelmode_fixup_or_oops
    do_trap do_error_trap handle_bug
    __warn warn_slowpath_fmt warn_slowpath_null __warn_printk check_panic_on_warn report_bug
    __stack_chk_fail fortify_panic __fortify_panic __fortify_report usercopy_abort
    __check_object_size refcount_warn_saturate
""".split())

_HELPERS = frozenset("""
    native_queued_spin_lock_slowpath queued_spin_lock_slowpath __pv_queued_spin_lock_slowpath
    queued_read_lock_slowpath queued_write_lock_slowpath do_raw_spin_lock do_raw_read_lock
    do_raw_write_lock
    mutex_lock mutex_lock_interruptible mutex_lock_killable mutex_lock_nested mutex_lock_io
    __mutex_lock __mutex_lock_slowpath
    msleep msleep_interruptible usleep_range usleep_range_state
    down down_interruptible down_killable down_timeout down_read down_write down_read_killable
    down_write_killable rwsem_down_read_slowpath rwsem_down_write_slowpath
    wait_for_completion wait_for_completion_timeout wait_for_completion_io
    wait_for_completion_interruptible wait_for_completion_killable wait_for_common
    __wait_for_common
    __list_add_valid __list_del_entry_valid __list_add_valid_or_report
    __list_del_entry_valid_or_report plist_check_list
    kfree kvfree kfree_sensitive __kmem_cache_free kmem_cache_free kmem_cache_free_bulk
    cache_free_debugcheck slab_free __slab_free do_slab_free set_freepointer slab_free_hook
    slab_free_freelist_hook free_large_kmalloc ___cache_free
    kmem_cache_alloc kmem_cache_alloc_noprof kmem_cache_alloc_node __kmem_cache_alloc_node
    kmem_cache_alloc_lru kmalloc_trace __kmalloc __kmalloc_node __kmalloc_noprof __slab_alloc
    ___slab_alloc get_freepointer get_freepointer_safe kmem_cache_alloc_trace
    __kmalloc_cache_noprof kmem_cache_alloc_lru_noprof
    smp_call_function_single smp_call_function_many smp_call_function_many_cond smp_call_function
    smp_call_function_any on_each_cpu on_each_cpu_cond_mask csd_lock_wait __csd_lock_wait
    memcpy __memcpy memcpy_erms memcpy_orig memset __memset memset_erms memset_orig memmove
    __memmove memcmp memchr memchr_inv strlen strnlen strcmp strncmp strcpy strncpy strscpy strcat
    strstr strchr strsep rep_movs_alternative rep_stos_alternative copy_user_generic_string
    copy_user_enhanced_fast_string clear_page clear_page_erms clear_page_rep copy_page
    __x86_return_thunk srso_return_thunk srso_alias_return_thunk
""".split())
_HELPER_PREFIXES = ("_raw_spin_", "_raw_read_", "_raw_write_", "__raw_callee_save_",
                    "__x86_indirect_", "asm_exc_", "asm_sysvec_", "__pfx_")
LIST_CHECKS = frozenset(name for name in _HELPERS if name.startswith(("__list_", "plist_")))
SLAB_CHECKS = frozenset(name for name in _HELPERS
                        if "cache" in name or "slab" in name or "kfree" in name
                        or "freepointer" in name)


def bare(name: str | None) -> str:
    """A function's name as its source has it: without .cold, .isra.0 and the like."""
    return (name or "").partition(".")[0]


def tells_of_others(name: str) -> bool:
    """Does a function report, or only do for its caller what that asked for."""
    return name in _MACHINERY or name in _HELPERS or name.startswith(_HELPER_PREFIXES)


_SOFTIRQS = frozenset("__do_softirq handle_softirqs".split())
_INTERRUPTS = ("asm_sysvec_", "asm_common_interrupt", "common_interrupt", "do_IRQ",
               "apic_timer_interrupt", "call_function_single_interrupt", "call_function_interrupt")


def interrupt_of(functions: Iterable[str]) -> str:
    """What has called functions like these, the innermost first: "softirq", "interrupt"; "" for a
    task itself, which ksoftirqd is as well."""
    names = list(functions)
    for name in names:
        if name in _SOFTIRQS:
            return "" if "run_ksoftirqd" in names else "softirq"
        if name.startswith(_INTERRUPTS):
            return "interrupt"
    return ""


_VECTORS = {"async_page_fault": "page_fault", "machine_check": "machine_check"}


def exception_of(functions: Iterable[str]) -> str | None:
    """Which exception the innermost of some functions handles: "page_fault", "invalid_op" ...

    5.8: 91eeafea1e4b ("x86/entry: Switch page fault exception to IDTENTRY_RAW") and others; before,
    the entry of page_fault was page_fault.
    """
    for name in functions:
        if name.startswith("asm_exc_"):
            return name[len("asm_exc_"):]
        if name in ("page_fault", "async_page_fault", "general_protection", "invalid_op",
                    "divide_error", "double_fault", "stack_segment", "alignment_check"):
            return _VECTORS.get(name, name)
    return None
