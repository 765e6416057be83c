"""Owns the flags of files, superblocks and mounts, which no debug information knows.

As in include/linux/fs.h, mount.h and uapi/linux/mount.h; their values never changed.
"""

from __future__ import annotations

from pykdump.API import CDefine

FILE_MODE_FLAGS = CDefine("""
#define FMODE_READ   1
#define FMODE_WRITE  2
""")

MS_FLAGS = CDefine("""
#define MS_RDONLY        1
#define MS_NOSUID        2
#define MS_NODEV         4
#define MS_NOEXEC        8
#define MS_SYNCHRONOUS   16
#define MS_REMOUNT       32
#define MS_MANDLOCK      64
#define MS_DIRSYNC       128
#define MS_NOSYMFOLLOW   256
#define MS_NOATIME       1024
#define MS_NODIRATIME    2048
#define MS_BIND          4096
#define MS_MOVE          8192
#define MS_REC           16384
#define MS_SILENT        32768
#define MS_POSIXACL      (1<<16)
#define MS_UNBINDABLE    (1<<17)
#define MS_PRIVATE       (1<<18)
#define MS_SLAVE         (1<<19)
#define MS_SHARED        (1<<20)
#define MS_RELATIME      (1<<21)
#define MS_KERNMOUNT     (1<<22)
#define MS_I_VERSION     (1<<23)
#define MS_STRICTATIME   (1<<24)
#define MS_LAZYTIME      (1<<25)
#define MS_SUBMOUNT      (1<<26)
#define MS_NOREMOTELOCK  (1<<27)
#define MS_NOSEC         (1<<28)
#define MS_BORN          (1<<29)
#define MS_ACTIVE        (1<<30)
#define MS_NOUSER        (1<<31)
""")

MNT_FLAGS = CDefine("""
#define MNT_NOSUID       0x01
#define MNT_NODEV        0x02
#define MNT_NOEXEC       0x04
#define MNT_NOATIME      0x08
#define MNT_NODIRATIME   0x10
#define MNT_RELATIME     0x20
#define MNT_READONLY     0x40
#define MNT_STRICTATIME  0x80
#define MNT_SHRINKABLE   0x100
#define MNT_WRITE_HOLD   0x200
#define MNT_SHARED       0x1000
#define MNT_UNBINDABLE   0x2000
#define MNT_PNODE_MASK   0x3000
""")
