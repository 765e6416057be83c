// SPDX-License-Identifier: GPL-3.0-or-later
// What kernels complain of and go on: this module makes them do so, once, when it is inserted.
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#define HIGHEST_ORDER 9
#define UNCACHED_ORDER 4 // CPUs keep no lists of such pages

static int *volatile lab_nothing;
static volatile int lab_sink;
static DECLARE_COMPLETION(lab_done);

static int lab_oops(void *unused)
{
    lab_sink = *lab_nothing;
    return 0;
}

// Too long for the watchdog and for RCU.
static int lab_stick(void *unused)
{
    unsigned long end = jiffies + 5 * HZ; // a busy host makes delays as short as it likes

    preempt_disable();
    while (time_before(jiffies, end))
        cpu_relax();
    preempt_enable();
    complete(&lab_done);
    return 0;
}

static int lab_hang(void *unused)
{
    schedule_timeout_uninterruptible(6 * HZ);
    complete(&lab_done);
    return 0;
}

static void period_ends(struct rcu_head *head)
{
    kfree(head);
}

static void begin_grace_period(void)
{
    struct rcu_head *head = kmalloc(sizeof(*head), GFP_KERNEL);

    if (head)
        call_rcu(head, period_ends);
}

// Who complains of it turns preemption on again.
static void sleep_in_atomic(void)
{
    preempt_disable();
    msleep(1);
}

static void exhaust(void)
{
    struct page *page, *first = NULL;

    while ((page = alloc_pages(__GFP_KSWAPD_RECLAIM, HIGHEST_ORDER))) {
        set_page_private(page, (unsigned long)first);
        first = page;
    }
    while ((page = first)) {
        first = (struct page *)page_private(page);
        set_page_private(page, 0);
        __free_pages(page, HIGHEST_ORDER);
    }
}

static void free_in_use(void)
{
    struct page *page = alloc_pages(GFP_KERNEL, UNCACHED_ORDER);

    if (!page)
        return;
    page->mapping = (struct address_space *)&lab_done;
    __free_pages(page, UNCACHED_ORDER);
}

// The kernel's command line has this cache checked.
static void free_checked_twice(void)
{
    struct kmem_cache *checked = kmem_cache_create("lab_checked", 64, 0, 0, NULL);
    void *object = checked ? kmem_cache_alloc(checked, GFP_KERNEL) : NULL;

    if (!object)
        return;
    kmem_cache_free(checked, object);
    kmem_cache_free(checked, object);
    kmem_cache_destroy(checked);
}

static int __init lab_init(void)
{
    struct task_struct *stuck = kthread_create(lab_stick, NULL, "lab-stuck");

    if (IS_ERR(stuck) || set_cpus_allowed_ptr(current, cpumask_of(0)))
        return -EINVAL;
    WARN(!lab_nothing, "lab: there is nothing");
    sleep_in_atomic();
    exhaust();
    free_in_use();
    free_checked_twice();
    kthread_run(lab_hang, NULL, "lab-hung");
    begin_grace_period();
    kthread_bind(stuck, 1);
    wake_up_process(stuck);
    // It shall not be taken for hung itself.
    wait_for_completion_interruptible(&lab_done);
    wait_for_completion_interruptible(&lab_done);
    rcu_barrier();
    // Nobody looks for hung tasks any more after an oops.
    kthread_run(lab_oops, NULL, "lab-oops");
    msleep(100); // all of them have ended
    return 0;
}
module_init(lab_init);

static void __exit lab_exit(void)
{
}
module_exit(lab_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("troubles that a kernel survives");
