// SPDX-License-Identifier: GPL-3.0-or-later
// Forked children share file offsets with their parent, and crash reads the dump with lseek: two
// processes reading at once get each other's bytes. A child opens the files anew. It also has gdb's
// signal handlers, which wait for a loop that will never run: they go, so that it can be ended.
// And it has crash's notes of the command line's pager, pipe and input file. Their processes are no
// children of the child: crash would find that the reader has left, and wait for ever for its end.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/capture.h"
#include "host/crash.h"
#include "host/host.h"
#include "host/interrupt.h"

static void reopen(int fd, const struct stat *file)
{
    char path[64];
    struct stat status;

    if (fstat(fd, &status) < 0 || status.st_dev != file->st_dev || status.st_ino != file->st_ino)
        return;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int fresh = open(path, (flags & O_ACCMODE) | O_CLOEXEC);
    if (fresh < 0)
        return;
    dup3(fresh, fd, O_CLOEXEC);
    close(fresh);
}

static bool is_in_crash(void (*handler)(int))
{
    Dl_info there;
    Dl_info crash;
    return dladdr((void *)(uintptr_t)handler, &there) && dladdr(&pc, &crash) &&
           there.dli_fbase == crash.dli_fbase;
}

static void reset_signals(void)
{
    static const int numbers[] = {SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
            action.sa_handler != SIG_IGN && is_in_crash(action.sa_handler))
            signal(numbers[i], SIG_DFL);
    }
}

static void disown_command_line(void)
{
    pc->stdpipe = pc->pipe = pc->ifile = pc->ifile_pipe = pc->ifile_ofile = pc->args_ifile = NULL;
    pc->stdpipe_pid = pc->pipe_pid = pc->pipe_shell_pid = 0;
    pc->redirect = 0;
}

void host_after_fork(void)
{
    reset_signals();
    disown_command_line();
    capture_after_fork();
    interrupt_after_fork();
    const char *files[] = {pc->dumpfile, pc->live_memsrc, pc->namelist, pc->namelist_debug};
    long limit = sysconf(_SC_OPEN_MAX);

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct stat file;
        if (!files[i] || stat(files[i], &file) < 0)
            continue;
        for (int fd = STDERR_FILENO + 1; fd < limit && fd < 1024; fd++)
            reopen(fd, &file);
    }
}
