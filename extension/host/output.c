// SPDX-License-Identifier: GPL-3.0-or-later
// Where a command's output goes: crash's fp, which is another file for each command.
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/crash.h"
#include "host/host.h"

int host_output_write(const void *bytes, size_t size, size_t *taken)
{
    errno = 0;
    *taken = fwrite(bytes, 1, size, fp);
    if (*taken == size)
        return 0;
    int reason = errno ? errno : EIO;
    clearerr(fp);
    return reason;
}

int host_output_flush(void)
{
    errno = 0;
    if (fflush(fp) == 0)
        return 0;
    int reason = errno ? errno : EIO;
    clearerr(fp);
    return reason;
}

int host_output_fileno(void)
{
    return fileno(fp);
}

enum host_output_kind host_output_kind(void)
{
    struct stat status;
    int fd = fileno(fp);

    if (isatty(fd))
        return HOST_OUTPUT_TERMINAL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && fp == pc->ofile)
        return HOST_OUTPUT_FILE;
    return HOST_OUTPUT_PIPE;
}

// As crash does it when a command has ended: the FILE is lost, its descriptor is not.
void host_output_leave_pager(void)
{
    if (!pc->stdpipe || fp != pc->stdpipe)
        return;
    fflush(fp);
    close(fileno(fp));
    fp = stdout;
    pc->stdpipe = NULL;
    // Else crash takes the pager's end for that of the command.
    pc->redirect = (pc->redirect & ~(ulong)REDIRECT_TO_STDPIPE) | REDIRECT_NOT_DONE;
    while (pc->stdpipe_pid && waitpid(pc->stdpipe_pid, NULL, 0) < 0 && errno == EINTR)
        ;
    pc->stdpipe_pid = 0;
}
