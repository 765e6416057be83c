// SPDX-License-Identifier: GPL-3.0-or-later
// The module of the guests "panic-...": each way in which a kernel dies, by its own name.
//
// A cause written to the parameter `cause` happens in the writing task, in the function lab_CAUSE.
// Locks are taken before, and never given back, by the kernel thread lab-holder.
#include <asm/nmi.h>
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/perf_event.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/timer.h>

struct lab_item {
    long weight;
    struct list_head siblings;
    int *counter;
};

static DEFINE_MUTEX(lab_mutex);
static DEFINE_SPINLOCK(lab_lock);
static LIST_HEAD(lab_list);
// What the compiler does not know.
static struct lab_item *volatile lab_nothing;
static int (*volatile lab_nowhere)(void);
static volatile int lab_sink;
static bool lab_spins;

static noinline void lab_null(void)
{
    lab_sink = *(volatile int *)&lab_nothing->counter;
}

static noinline void lab_call(void)
{
    lab_sink = lab_nowhere();
}

static noinline void lab_gpf(void)
{
    struct lab_item *volatile freed = (struct lab_item *)0x6b6b6b6b6b6b6b6bUL;

    freed->weight = 1;
}

static noinline void lab_pointer(void)
{
    volatile unsigned long wild = 0xffffc8dead000000UL;

    *(volatile long *)wild = 1;
}

static noinline void lab_bug(void)
{
    BUG_ON(!lab_nothing);
}

static noinline void lab_warn(void)
{
    WARN(!lab_nothing, "lab: there is nothing");
}

static noinline void lab_slept(void)
{
    preempt_disable();
    msleep(1);
    preempt_enable();
}

// Of a timer: the task that its softirq came upon has nothing to do with it.
static void lab_expired(struct timer_list *unused)
{
    lab_null();
    barrier();
}
static DEFINE_TIMER(lab_timer, lab_expired);

static noinline void lab_softirq(void)
{
    preempt_disable();
    lab_timer.expires = jiffies + 1;
    add_timer_on(&lab_timer, smp_processor_id());
    for (;;)
        cpu_relax();
}

static noinline void lab_called(void)
{
    panic("lab: told to (%d)", 42);
}

static noinline void lab_soft(void)
{
    spin_lock(&lab_lock);
    spin_unlock(&lab_lock);
}

static int announce(void *unused)
{
    while (!READ_ONCE(lab_spins))
        cpu_relax();
    pr_emerg("lab: ready\n");
    return 0;
}

// The script has this run on CPU 0, where QEMU's NMI comes to.
static noinline void lab_hard(void)
{
    struct task_struct *announcer = kthread_create(announce, NULL, "lab-announcer");
    unsigned long flags;

    if (IS_ERR(announcer))
        return;
    kthread_bind(announcer, 1);
    wake_up_process(announcer);
    local_irq_save(flags);
    WRITE_ONCE(lab_spins, true);
    spin_lock(&lab_lock);
    spin_unlock(&lab_lock);
    local_irq_restore(flags);
}

// No CPU here counts cycles and says so by NMI. An NMI that comes otherwise asks the kernel's
// watchdog what it would ask then, some times: it compares.
static void (*lab_overflow_callback)(struct perf_event *event, struct perf_sample_data *data,
                                     struct pt_regs *regs);

static int lab_cycles(unsigned int kind, struct pt_regs *regs)
{
    static struct perf_event event;
    u64 next;
    int i;

    for (i = 0; i < 20; i++) {
        lab_overflow_callback(&event, NULL, regs);
        next = ktime_get_mono_fast_ns() + NSEC_PER_SEC / 2;
        while (ktime_get_mono_fast_ns() < next)
            cpu_relax();
    }
    return NMI_HANDLED;
}

static noinline void lab_watched(void)
{
    struct kprobe probe = {.symbol_name = "watchdog_overflow_callback"};

    // The kernel does not tell modules where that is, but where a probe of it is.
    if (register_kprobe(&probe))
        return;
    lab_overflow_callback = (void *)probe.addr;
    unregister_kprobe(&probe);
    if (!register_nmi_handler(NMI_LOCAL, lab_cycles, 0, "lab"))
        lab_hard();
}

static void lab_asked(void *unused)
{
}

static int lab_deaf(void *unused)
{
    local_irq_disable();
    lab_sink = 1;
    for (;;)
        cpu_relax();
    return 0;
}

static noinline void lab_ipi(void)
{
    struct task_struct *deaf = kthread_create(lab_deaf, NULL, "lab-deaf");

    if (IS_ERR(deaf) || set_cpus_allowed_ptr(current, cpumask_of(0)))
        return;
    kthread_bind(deaf, 1);
    wake_up_process(deaf);
    while (!lab_sink)
        msleep(10);
    lab_sink = smp_call_function_single(1, lab_asked, NULL, 1);
}

static noinline void lab_hung(void)
{
    mutex_lock(&lab_mutex);
    mutex_unlock(&lab_mutex);
}

static void lab_period_ends(struct rcu_head *head)
{
    kfree(head);
}

static noinline void lab_stall(void)
{
    struct rcu_head *head = kmalloc(sizeof(*head), GFP_KERNEL);

    if (head)
        call_rcu(head, lab_period_ends);
    preempt_disable();
    for (;;)
        cpu_relax();
}

// The result depends on each call, or the compiler makes a loop of them.
static noinline long lab_recurse(long depth)
{
    volatile long below[32];

    below[depth & 31] = lab_recurse(depth + 1);
    return below[depth & 31] + depth;
}

static noinline void lab_overflow(void)
{
    lab_sink = lab_recurse(0);
}

static noinline void lab_smash(void)
{
    volatile char small[8];
    volatile char *at = small;
    int i;

    for (i = 0; i < 40; i++)
        at[i] = 'A';
}

static noinline void lab_unlist(void)
{
    struct lab_item *item = kzalloc(sizeof(*item), GFP_KERNEL);

    list_add(&item->siblings, &lab_list);
    list_del(&item->siblings);
    list_del(&item->siblings);
}

static noinline void lab_free(void)
{
    void *object = kmalloc(96, GFP_KERNEL);

    kfree(object);
    kfree(object);
    // Or the call is a jump, and this function not on the stack.
    barrier();
}

static const struct {
    const char *name;
    void (*happens)(void);
} causes[] = {
    {"null", lab_null},         {"call", lab_call},   {"gpf", lab_gpf},
    {"pointer", lab_pointer},   {"bug", lab_bug},     {"warn", lab_warn},
    {"called", lab_called},     {"soft", lab_soft},   {"hard", lab_hard},
    {"hung", lab_hung},         {"ipi", lab_ipi},     {"stall", lab_stall},
    {"overflow", lab_overflow}, {"smash", lab_smash}, {"unlist", lab_unlist},
    {"free", lab_free},         {"slept", lab_slept}, {"softirq", lab_softirq},
    {"watched", lab_watched},
};

static int cause_set(const char *value, const struct kernel_param *unused)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(causes); i++) {
        if (sysfs_streq(value, causes[i].name)) {
            causes[i].happens();
            return 0;
        }
    }
    return -EINVAL;
}
static const struct kernel_param_ops cause_ops = {.set = cause_set};
module_param_cb(cause, &cause_ops, NULL, 0200);

// Without preemption being off, as spin_lock() leaves it: it sleeps.
static int hold(void *unused)
{
    mutex_lock(&lab_mutex);
    arch_spin_lock(&lab_lock.rlock.raw_lock);
    for (;;) {
        set_current_state(TASK_IDLE);
        schedule();
    }
    return 0;
}

static int __init lab_init(void)
{
    struct task_struct *holder = kthread_run(hold, NULL, "lab-holder");

    if (IS_ERR(holder))
        return PTR_ERR(holder);
    while (!spin_is_locked(&lab_lock))
        msleep(10);
    return 0;
}
module_init(lab_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("ways in which a kernel dies");
