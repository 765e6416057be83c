/* A module of the guest "locks" that taints its kernel, with parameters of every kind. */

#include <linux/module.h>

static int number = 42;
static bool truth = true;
static char *text = "a word";
static char copied[16] = "kept here";
static unsigned short numbers[4];
static int count;
static unsigned long mask;

module_param(number, int, 0444);
module_param(truth, bool, 0444);
module_param(text, charp, 0444);
module_param_string(copied, copied, sizeof copied, 0444);
module_param_array(numbers, ushort, &count, 0444);
module_param_named(bits, mask, ulong, 0444);
module_param_named(hidden, mask, ulong, 0);

static int __init taint_init(void)
{
    return 0;
}

static void __exit taint_exit(void)
{
}

module_init(taint_init);
module_exit(taint_exit);

MODULE_LICENSE("Proprietary");
MODULE_VERSION("1.2-lab");
MODULE_DESCRIPTION("taints the kernel");
