// SPDX-License-Identifier: GPL-3.0-or-later
// The module of the guest "threads": kernel threads with deep stacks, and a CPU that is kept busy
// in softirq context.
//
// lab-deep-N sleeps N calls below its beginning. 1 written to the parameter `spin` makes CPU 1
// handle a timer for ever, on top of whatever it was running, since lab-keeper has the lock that it
// takes; and wakes the threads lab-queued-N and lab-queued-rt, which are bound to that CPU and wait
// in its run queue.
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#define SPINNING_CPU 1

static const long depths[] = {10, 40, 100};

// The result depends on each call, or the compiler makes a loop of them.
static noinline long descend(long depth)
{
    volatile long below;

    if (depth == 0) {
        for (;;) {
            set_current_state(TASK_IDLE);
            schedule();
        }
    }
    below = descend(depth - 1);
    return below + depth;
}

static int deep_thread(void *depth)
{
    return descend((long)depth) != 0;
}

static const char *const queued_names[] = {"lab-queued-1", "lab-queued-2", "lab-queued-rt"};
static struct task_struct *queued[ARRAY_SIZE(queued_names)];

static int queued_thread(void *unused)
{
    return descend(0) != 0;
}

static DEFINE_SPINLOCK(lab_lock);

// Without preemption being off, as spin_lock() leaves it: it sleeps.
static int keeper_thread(void *unused)
{
    arch_spin_lock(&lab_lock.rlock.raw_lock);
    return descend(0) != 0;
}

static void spin_on(struct timer_list *unused)
{
    spin_lock(&lab_lock);
    spin_unlock(&lab_lock);
}
static DEFINE_TIMER(spinner, spin_on);

static int spin_set(const char *value, const struct kernel_param *unused)
{
    size_t i;

    spinner.expires = jiffies + 1;
    add_timer_on(&spinner, SPINNING_CPU);
    msleep(20);
    for (i = 0; i < ARRAY_SIZE(queued); i++)
        wake_up_process(queued[i]);
    return 0;
}
static const struct kernel_param_ops spin_ops = {.set = spin_set};
module_param_cb(spin, &spin_ops, NULL, 0200);

static int __init lab_init(void)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(depths); i++)
        if (IS_ERR(kthread_run(deep_thread, (void *)depths[i], "lab-deep-%ld", depths[i])))
            return -ENOMEM;
    if (IS_ERR(kthread_run(keeper_thread, NULL, "lab-keeper")))
        return -ENOMEM;
    for (i = 0; i < ARRAY_SIZE(queued); i++) {
        queued[i] = kthread_create(queued_thread, NULL, "%s", queued_names[i]);
        if (IS_ERR(queued[i]))
            return PTR_ERR(queued[i]);
        kthread_bind(queued[i], SPINNING_CPU);
        wake_up_process(queued[i]);
    }
    sched_set_fifo(queued[ARRAY_SIZE(queued) - 1]);
    return 0;
}
module_init(lab_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("threads with deep stacks");
