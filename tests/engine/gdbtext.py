"""What gdb prints about types: recorded from gdb 10 in crash 8, and as gdb 16 lays it out."""

LIST_HEAD = """\
/* offset    |  size */  type = struct list_head {
/*    0      |     8 */    struct list_head *next;
/*    8      |     8 */    struct list_head *prev;

                           /* total size (bytes):   16 */
                         }
"""

IPHDR = """\
/* offset    |  size */  type = struct iphdr {
/*    0: 0   |     1 */    __u8 ihl : 4;
/*    0: 4   |     1 */    __u8 version : 4;
/*    1      |     1 */    __u8 tos;
/*    2      |     2 */    __be16 tot_len;
/*    4      |     2 */    __be16 id;
/*    6      |     2 */    __be16 frag_off;
/*    8      |     1 */    __u8 ttl;
/*    9      |     1 */    __u8 protocol;
/*   10      |     2 */    __sum16 check;
/*   12      |     8 */    union {
/*                 8 */        struct {
/*   12      |     4 */            __be32 saddr;
/*   16      |     4 */            __be32 daddr;

                                   /* total size (bytes):    8 */
                               };
/*                 8 */        struct {
/*   12      |     4 */            __be32 saddr;
/*   16      |     4 */            __be32 daddr;

                                   /* total size (bytes):    8 */
                               } addrs;

                               /* total size (bytes):    8 */
                           };

                           /* total size (bytes):   20 */
                         }
"""

IPHDR_16 = """\
/* offset      |    size */  type = struct iphdr {
/*      0: 0   |       1 */    __u8 ihl : 4;
/*      0: 4   |       1 */    __u8 version : 4;
/*      1      |       1 */    __u8 tos;
/*      2      |       2 */    __be16 tot_len;
/*      4      |       2 */    __be16 id;
/*      6      |       2 */    __be16 frag_off;
/*      8      |       1 */    __u8 ttl;
/*      9      |       1 */    __u8 protocol;
/*     10      |       2 */    __sum16 check;
/*     12      |       8 */    union {
/*                     8 */        struct {
/*     12      |       4 */            __be32 saddr;
/*     16      |       4 */            __be32 daddr;

                                       /* total size:    8 bytes */
                                   };
/*                     8 */        struct {
/*     12      |       4 */            __be32 saddr;
/*     16      |       4 */            __be32 daddr;

                                       /* total size:    8 bytes */
                                   } addrs;

                                   /* total size:    8 bytes */
                               };

                               /* total size:   20 bytes */
                             }
"""

# The offsets within `attrs` are gdb's mistake.
CRYPTOMGR_PARAM = """\
/* offset    |  size */  type = struct cryptomgr_param {
/*    0      |   272 */    struct rtattr *tb[34];
/*  272      |    12 */    struct {
/*  272      |     4 */        struct rtattr {
/*  272      |     2 */            unsigned short rta_len;
/*  274      |     2 */            unsigned short rta_type;

                                   /* total size (bytes):    4 */
                               } attr;
/*  276      |     8 */        struct crypto_attr_type {
/*  276      |     4 */            u32 type;
/*  280      |     4 */            u32 mask;

                                   /* total size (bytes):    8 */
                               } data;

                               /* total size (bytes):   12 */
                           } type;
/*  284      |  4224 */    struct {
/*  272      |     4 */        struct rtattr attr;
/*  276      |   128 */        struct crypto_attr_alg data;
                           } attrs[32];
/* 4508      |   128 */    char template[128];
/* XXX  4-byte hole  */
/* 4640      |     8 */    struct crypto_larval *larval;
/* 4648      |     4 */    u32 otype;
/* 4652      |     4 */    u32 omask;

                           /* total size (bytes): 4656 */
                         }
"""

CRYPTOMGR_ATTR = """\
/* offset    |  size */  type = struct {
/*    0      |     4 */    struct rtattr {
/*    0      |     2 */        unsigned short rta_len;
/*    2      |     2 */        unsigned short rta_type;

                               /* total size (bytes):    4 */
                           } attr;
/*    4      |   128 */    struct crypto_attr_alg {
/*    4      |   128 */        char name[128];

                               /* total size (bytes):  128 */
                           } data;

                           /* total size (bytes):  132 */
                         }
"""

# Put together from several, of everything that there is.
MIXED = """\
/* offset    |  size */  type = struct mixed {
/*    0: 0   |     4 */    enum {BRNF_PROTO_UNCHANGED, BRNF_PROTO_8021Q = 5, LAST} orig_proto : 8;
/* XXX  3-bit hole   */
/* XXX  3-byte hole  */
/*    4      |     4 */    enum minus sign;
/*    8      |     8 */    int (*open)(struct inode *, struct file *);
/*   16      |     8 */    const struct attribute_group **groups;
/*   24      |   320 */    struct list_head folios[4][1][5];
/*  344      |     8 */    unsigned char (*table)[16];
/*  352      |     1 */    bool flag;
/*  353      |     0 */    struct dev_archdata {
            <no data fields>

                               /* total size (bytes):    0 */
                           } archdata;
/* XXX  7-byte hole  */
/*  360      |     8 */    void (*(*get)(int))(void);
/*  368      |     8 */    struct nowhere *opaque;
/*  376      |    16 */    unsigned __int128 wide;
/*  392      |     8 */    volatile long counter;
/*  400      |     0 */    atomic_t tail[];

                           /* total size (bytes):  400 */
                         }
"""

# gdb 16: such a struct is dynamic, and shown without places; behind a function's type it is not.
DYNAMIC = """\
warning: ptype/o does not work with dynamic types; disabling '/o'
type = struct geneve_opt {
    __be16 opt_class;
    __u8 type : 5;
    __u8 r1 : 3;
    __u8 opt_data[];
}
"""
DYNAMIC_PLACES = """\
type = struct geneve_opt {
/*      0      |       2 */    __be16 opt_class;
/*      2: 0   |       1 */    __u8 type : 5;
/*      2: 5   |       1 */    __u8 r1 : 3;
/*      3      |       0 */    __u8 opt_data[];
/* XXX  1-byte padding   */

                               /* total size (bytes):    4 */
                             } (void)
"""

TYPEDEFS = {
    "__u8": "unsigned char", "__be16": "unsigned short", "__be32": "unsigned int",
    "__sum16": "unsigned short", "u32": "__u32", "__u32": "unsigned int", "bool": "_Bool",
    "atomic_t": "struct {...}", "work_func_t": "void (*)(struct work_struct *)",
    "loop_a": "loop_b", "loop_b": "loop_a", "itself": "itself", "gone_t": "nothing_t",
    "iphdr": "struct iphdr",
}

ANSWERS = {
    "whatis struct list_head": "type = struct list_head\n",
    "output/d sizeof(struct list_head)": "16",
    "output/d sizeof(struct iphdr)": "20",
    "output/d sizeof(struct cryptomgr_param)": "4656",
    "output/d sizeof(((struct cryptomgr_param *)0)->attrs[0])": "132",
    "output/d sizeof(struct mixed)": "400",
    "output/d sizeof(struct work_struct)": "32",
    "output/d sizeof(*(atomic_t *)0)": "4",
    "output/d sizeof(struct only_declared)": "1",
    "output/d sizeof(enum minus)": "4",
    "ptype /o struct list_head": LIST_HEAD,
    "ptype /o struct iphdr": IPHDR,
    "ptype /o struct cryptomgr_param": CRYPTOMGR_PARAM,
    "ptype /o ((struct cryptomgr_param *)0)->attrs[0]": CRYPTOMGR_ATTR,
    "ptype /o struct mixed": MIXED,
    "output/d sizeof(struct geneve_opt)": "4",
    "ptype /o struct geneve_opt": DYNAMIC,
    "ptype /o struct geneve_opt(void)": DYNAMIC_PLACES,
    "ptype /o *(atomic_t *)0": "/* offset    |  size */  type = struct {\n"
                               "/*    0      |     4 */    int counter;\n\n"
                               "                           /* total size (bytes):    4 */\n"
                               "                         }\n",
    "ptype /o struct nowhere": "type = struct nowhere {\n    <incomplete type>\n}\n",
    "ptype enum minus": "type = enum minus {MINUS = -2, NEXT, ZERO, BIG = 7}\n",
    **{f"whatis {name}": f"type = {target}\n" for name, target in TYPEDEFS.items()},
    **{f"whatis ({name} *)0": f"type = {name} *\n" for name in TYPEDEFS},
    "ptype enum declared": "type = enum declared {}\n",
    "output/d sizeof(enum declared)": "0",
    "whatis &jiffies": "type = volatile unsigned long *\n",
    "whatis jiffies": "type = volatile unsigned long\n",
    "whatis &schedule": "type = void (*)(void)\n",
    "whatis &unknown": "type = <data variable, no debug info> *\n",
    "whatis &lonely": "type = struct {...} *\n",
    "output/d sizeof((&lonely)[0])": "4",
    "ptype /o (&lonely)[0]": "type = struct {\n/*    0      |     4 */    int alone;\n"
                             "                           /* total size (bytes):    4 */\n}\n",
}
