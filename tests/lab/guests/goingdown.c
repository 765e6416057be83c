// SPDX-License-Identifier: GPL-3.0-or-later
// Shuts a filesystem down, as its driver does when the disk under it is gone: goingdown MOUNTPOINT.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

// XFS began it, ext4 took it over: XFS_IOC_GOINGDOWN, EXT4_IOC_SHUTDOWN.
#define GOINGDOWN _IOR('X', 125, uint32_t)
#define WITHOUT_LOG_FLUSH 2

int main(int count, char **words)
{
    uint32_t how = WITHOUT_LOG_FLUSH;
    int directory = count == 2 ? open(words[1], O_RDONLY | O_DIRECTORY) : -1;
    if (directory < 0 || ioctl(directory, GOINGDOWN, &how) < 0) {
        perror("goingdown");
        return 1;
    }
    return 0;
}
