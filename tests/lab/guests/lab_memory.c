// SPDX-License-Identifier: GPL-3.0-or-later
// The module of the guest "memory": objects and vmalloc memory that nobody gives back, caches whose
// free lists are damaged, and reclaim that hangs in a shrinker while memory runs out.
//
// The parameter `last` does what a guest does not live with for long; the panic must follow.
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/sysrq.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>
#include <linux/wait.h>

#define LEAKED_OBJECTS (120 * 1024)
#define LEAKED_AREAS 240
#define AREA_SIZE (256 * 1024)
#define RECLAIMERS 2
#define HIGH_ORDER 4
#define LEFT_PAGES 1000
#define DRAINING (__GFP_MEMALLOC | __GFP_NOWARN) // kswapd is not woken for these

static struct kmem_cache *leak, *overwritten, *twice;
static struct page *drained; // where the pages that are taken last end up
static bool blocked;
static atomic_t inside = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(until_drained);
static bool is_drained;

// A cache with a constructor is not merged with another one of its size.
static void construct(void *object)
{
}

static struct kmem_cache *cache(const char *name, unsigned int size)
{
    return kmem_cache_create(name, size, 0, 0, construct);
}

// ---- what leaks ----

static int leak_objects(void)
{
    int i;

    for (i = 0; i < LEAKED_OBJECTS; i++)
        if (!kmem_cache_alloc(leak, GFP_KERNEL))
            return -ENOMEM;
    return 0;
}

static noinline int leak_areas(void)
{
    int i;

    for (i = 0; i < LEAKED_AREAS; i++)
        if (!vmalloc(AREA_SIZE))
            return -ENOMEM;
    return 0;
}

// ---- what is damaged ----

// Of three slabs of a cache, the first has every second object free.
static void **half_free(struct kmem_cache *from, int per_slab)
{
    void **objects = kmalloc_array(per_slab * 3, sizeof(*objects), GFP_KERNEL);
    int i;

    for (i = 0; i < per_slab * 3; i++)
        objects[i] = kmem_cache_alloc(from, GFP_KERNEL);
    for (i = 0; i < per_slab; i += 2)
        kmem_cache_free(from, objects[i]);
    return objects;
}

static void damage(void)
{
    void **objects = half_free(overwritten, PAGE_SIZE / 256);

    // Somebody writes to what it has given back, and beyond its end, where such a cache has the
    // link.
    memset(objects[4], 0x41, 256 + sizeof(void *));
    objects = half_free(twice, PAGE_SIZE / 512);
    // Somebody gives back twice, with another object in between.
    kmem_cache_free(twice, objects[1]);
    kmem_cache_free(twice, objects[3]);
    kmem_cache_free(twice, objects[1]);
}

// ---- reclaim that hangs ----

static unsigned long lab_shrink_count(struct shrinker *unused, struct shrink_control *control)
{
    if (!READ_ONCE(blocked))
        return 0;
    atomic_inc(&inside);
    for (;;) {
        set_current_state(TASK_UNINTERRUPTIBLE);
        schedule();
    }
}

static unsigned long lab_shrink_scan(struct shrinker *unused, struct shrink_control *control)
{
    return SHRINK_STOP;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
static int start_shrinker(void)
{
    struct shrinker *shrinker = shrinker_alloc(0, "lab-shrinker");

    if (!shrinker)
        return -ENOMEM;
    shrinker->count_objects = lab_shrink_count;
    shrinker->scan_objects = lab_shrink_scan;
    shrinker_register(shrinker);
    return 0;
}
#else
static struct shrinker shrinker = {
    .count_objects = lab_shrink_count, .scan_objects = lab_shrink_scan, .seeks = DEFAULT_SEEKS};

static int start_shrinker(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 0, 0)
    return register_shrinker(&shrinker, "lab-shrinker");
#else
    return register_shrinker(&shrinker);
#endif
}
#endif

static int reclaimer(void *unused)
{
    for (;;)
        alloc_page(GFP_KERNEL);
    return 0;
}

static int orderer(void *unused)
{
    wait_event(until_drained, is_drained);
    for (;;)
        alloc_pages(GFP_KERNEL | __GFP_NOWARN, HIGH_ORDER);
    return 0;
}

// Takes what is left in blocks of an order or more, past all watermarks.
static void drain_blocks(int least)
{
    struct page *page;
    int order;

    for (order = 9; order >= least; order--) {
        while ((page = alloc_pages(DRAINING, order)))
            drained = page;
    }
}

// Takes all, and gives some single pages back.
static void drain(void)
{
    struct page *page, *first = NULL;
    int i;

    for (i = 0; i < LEFT_PAGES && (page = alloc_page(DRAINING)); i++) {
        set_page_private(page, (unsigned long)first);
        first = page;
    }
    drain_blocks(0);
    // Every second one of those set aside: they have no neighbour to become a larger block with.
    for (i = 0; first; i++) {
        page = first;
        first = (struct page *)page_private(page);
        set_page_private(page, 0);
        if (page_to_pfn(page) & 1)
            __free_page(page);
    }
}

// Somebody writes to the struct page of a free one.
static void mislabel(void)
{
    struct zone *zone = page_zone(drained);
    struct page *page;
    unsigned long flags;
    int type;

    spin_lock_irqsave(&zone->lock, flags);
    for (type = 0; type < MIGRATE_TYPES; type++) {
        page = list_first_entry_or_null(&zone->free_area[0].free_list[type], struct page, lru);
        if (page) {
            set_page_private(page, 7);
            break;
        }
    }
    spin_unlock_irqrestore(&zone->lock, flags);
}

static int last_set(const char *value, const struct kernel_param *unused)
{
    int i;

    damage();
    for (i = 0; i < RECLAIMERS; i++)
        kthread_run(reclaimer, NULL, "lab-reclaim-%d", i);
    kthread_run(orderer, NULL, "lab-order");
    WRITE_ONCE(blocked, true);
    for (i = 0; i < 2000 && atomic_read(&inside) < RECLAIMERS + 1; i++)
        msleep(10);
    drain();
    is_drained = true;
    wake_up_all(&until_drained);
    msleep(500);
    // What others have given back meanwhile is no large block, either.
    drain_blocks(HIGH_ORDER);
    mislabel();
    handle_sysrq('m'); // the kernel's own account of its free lists
    return 0;
}
static const struct kernel_param_ops last_ops = {.set = last_set};
module_param_cb(last, &last_ops, NULL, 0200);

static int __init lab_init(void)
{
    leak = cache("lab_leak", 512);
    overwritten = cache("lab_overwritten", 256);
    twice = cache("lab_twice", 512);
    if (!leak || !overwritten || !twice)
        return -ENOMEM;
    return leak_objects() ?: leak_areas() ?: start_shrinker();
}
module_init(lab_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("memory that is lost and damaged");
