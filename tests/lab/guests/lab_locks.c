// SPDX-License-Identifier: GPL-3.0-or-later
// The module of the guest "locks": kernel threads that wait for each other on every kind of lock.
//
// Who waits for what is in the names: lab-KIND-own holds it, lab-KIND-wait waits.
#include <linux/buffer_head.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/percpu-rwsem.h>
#include <linux/rtmutex.h>
#include <linux/rwsem.h>
#include <linux/semaphore.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

static DEFINE_MUTEX(lab_mutex);
static DEFINE_MUTEX(lab_chain_mutex);
static DEFINE_MUTEX(lab_cycle_a);
static DEFINE_MUTEX(lab_cycle_b);
static DECLARE_RWSEM(lab_rwsem_written);
static DECLARE_RWSEM(lab_rwsem_read);
static DEFINE_RT_MUTEX(lab_rt_mutex);
static struct semaphore lab_semaphore;
static DECLARE_COMPLETION(lab_completion);
static DECLARE_WAIT_QUEUE_HEAD(lab_queue);
DEFINE_STATIC_PERCPU_RWSEM(lab_percpu_rwsem);
static unsigned long lab_bits = 1;
static struct page *lab_page;
static struct buffer_head *lab_buffer;

// Owners are asleep for good, and are not to be taken for hanging themselves.
static void own_for_ever(void)
{
    for (;;) {
        set_current_state(TASK_INTERRUPTIBLE);
        schedule();
    }
}

static int mutex_own(void *unused)
{
    mutex_lock(&lab_mutex);
    own_for_ever();
    return 0;
}

static int mutex_wait(void *unused)
{
    mutex_lock(&lab_mutex);
    return 0;
}

// Holds one that others wait for, and waits for another itself.
static int chain_own(void *unused)
{
    mutex_lock(&lab_chain_mutex);
    mutex_lock(&lab_mutex);
    return 0;
}

static int chain_wait(void *unused)
{
    mutex_lock(&lab_chain_mutex);
    return 0;
}

static int cycle_a(void *unused)
{
    mutex_lock(&lab_cycle_a);
    msleep(300);
    mutex_lock(&lab_cycle_b);
    return 0;
}

static int cycle_b(void *unused)
{
    mutex_lock(&lab_cycle_b);
    msleep(300);
    mutex_lock(&lab_cycle_a);
    return 0;
}

static int written_own(void *unused)
{
    down_write(&lab_rwsem_written);
    own_for_ever();
    return 0;
}

static int written_wait_read(void *unused)
{
    down_read(&lab_rwsem_written);
    return 0;
}

static int written_wait_write(void *unused)
{
    down_write(&lab_rwsem_written);
    return 0;
}

static int read_own(void *unused)
{
    down_read(&lab_rwsem_read);
    own_for_ever();
    return 0;
}

static int read_wait(void *unused)
{
    down_write(&lab_rwsem_read);
    return 0;
}

static int rt_own(void *unused)
{
    rt_mutex_lock(&lab_rt_mutex);
    own_for_ever();
    return 0;
}

static int rt_wait(void *unused)
{
    rt_mutex_lock(&lab_rt_mutex);
    return 0;
}

static int semaphore_own(void *unused)
{
    down(&lab_semaphore);
    own_for_ever();
    return 0;
}

static int semaphore_wait(void *unused)
{
    down(&lab_semaphore);
    return 0;
}

static int completion_wait(void *unused)
{
    wait_for_completion(&lab_completion);
    return 0;
}

static int queue_wait(void *unused)
{
    wait_event(lab_queue, READ_ONCE(lab_bits) == 0);
    return 0;
}

static int percpu_own(void *unused)
{
    percpu_down_write(&lab_percpu_rwsem);
    own_for_ever();
    return 0;
}

static int percpu_wait(void *unused)
{
    percpu_down_read(&lab_percpu_rwsem);
    return 0;
}

static int bits_wait(void *unused)
{
    wait_on_bit(&lab_bits, 0, TASK_UNINTERRUPTIBLE);
    return 0;
}

static int page_wait(void *unused)
{
    lock_page(lab_page);
    return 0;
}

static int buffer_wait(void *unused)
{
    lock_buffer(lab_buffer);
    return 0;
}

static void work_run(struct work_struct *work)
{
    own_for_ever();
}
static DECLARE_WORK(lab_work, work_run);

static int work_wait(void *unused)
{
    schedule_work(&lab_work);
    msleep(200);
    flush_work(&lab_work);
    return 0;
}

// A reader that sleeps, which it must not (the kernel warns of it), so that no grace period ends.
static int rcu_own(void *unused)
{
    rcu_read_lock();
    own_for_ever();
    return 0;
}

static int rcu_wait(void *unused)
{
    synchronize_rcu();
    return 0;
}

static int idle_sleep(void *unused)
{
    for (;;) {
        set_current_state(TASK_IDLE);
        schedule();
    }
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void *);
    int round; // those of a later one find what they wait for taken
} threads[] = {
    {"lab-mutex-own", mutex_own},
    {"lab-written-own", written_own},
    {"lab-read-own", read_own},
    {"lab-rt-own", rt_own},
    {"lab-sem-own", semaphore_own},
    {"lab-percpu-own", percpu_own},
    {"lab-cycle-a", cycle_a},
    {"lab-cycle-b", cycle_b},
    {"lab-idle", idle_sleep},
    // From here on no grace period ends, which lab-percpu-own needs.
    {"lab-rcu-own", rcu_own, 1},
    {"lab-chain-own", chain_own, 2},
    {"lab-mutex-wait", mutex_wait, 2},
    {"lab-written-r", written_wait_read, 2},
    {"lab-written-w", written_wait_write, 2},
    {"lab-read-wait", read_wait, 2},
    {"lab-rt-wait", rt_wait, 2},
    {"lab-sem-wait", semaphore_wait, 2},
    {"lab-compl-wait", completion_wait, 2},
    {"lab-queue-wait", queue_wait, 2},
    {"lab-percpu-wait", percpu_wait, 2},
    {"lab-bit-wait", bits_wait, 2},
    {"lab-page-wait", page_wait, 2},
    {"lab-buffer-wait", buffer_wait, 2},
    {"lab-work-wait", work_wait, 2},
    {"lab-rcu-wait", rcu_wait, 2},
    {"lab-chain-wait", chain_wait, 2},
};

static int start(int round)
{
    size_t i;
    for (i = 0; i < ARRAY_SIZE(threads); i++) {
        if (threads[i].round == round &&
            IS_ERR(kthread_run(threads[i].run, NULL, "%s", threads[i].name)))
            return -ENOMEM;
    }
    msleep(200);
    return 0;
}

static int __init lab_init(void)
{
    lab_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
    lab_buffer = alloc_buffer_head(GFP_KERNEL | __GFP_ZERO);
    if (!lab_page || !lab_buffer)
        return -ENOMEM;
    sema_init(&lab_semaphore, 1);
    lock_page(lab_page);
    lock_buffer(lab_buffer);
    return start(0) ?: start(1) ?: start(2);
}
module_init(lab_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("threads that wait for each other");
