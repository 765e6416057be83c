"""NFS: mounts, servers, requests and state, on a guest that is server and client."""

import re

import pytest

MOUNTINFO = """
from LinuxDump.fs import mounts
for mount in mounts.mounts(mounts.init_namespace()).mounts:
    print(mount.line)
"""


@pytest.fixture(scope="module")
def mountinfo(nfs_dump):
    """Mount point -> its line of /proc/self/mountinfo, of those of NFS."""
    lines = nfs_dump.oracle["text"]["proc/mountinfo"].splitlines()
    return {line.split()[4]: line for line in lines if re.search(" - nfs4? ", line)}


# -- mounts ----------------------------------------------------------------------------------------

def test_lines_of_mountinfo_are_the_guests(nfs_crash, mountinfo):
    lines = nfs_crash.epython(MOUNTINFO).splitlines()
    assert [line for line in lines if line in mountinfo.values()] == list(mountinfo.values())
    assert len(mountinfo) == 10


def test_mounts_are_told_with_options_that_are_as_by_default(nfs_crash):
    text = nfs_crash.run("epython mountshow --mounts /mnt/v41")
    words = text.split("\n\n")[0].split()
    assert text.startswith("127.0.0.1:/ /mnt/v41 nfs4\n  opts: rw, noatime, vers=4.1, rsize=65536,")
    assert words[3:] == [
        "opts:", "rw,", "noatime,", "vers=4.1,", "rsize=65536,", "wsize=65536,", "namlen=255,",
        "acregmin=3,", "acregmax=60,", "acdirmin=30,", "acdirmax=60,", "hard,", "proto=tcp,",
        "nconnect=3,", "timeo=600,", "retrans=2,", "sec=sys,", "clientaddr=127.0.0.1,",
        "local_lock=none,", "addr=127.0.0.1"]
