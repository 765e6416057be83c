// SPDX-License-Identifier: GPL-3.0-or-later
// An aid of the tests, no part of the plug-in: an extension that makes a crash a zygote. Once crash
// has opened its dump, the command `zygote FD` waits at a socket for requests, and forks for each a
// session that goes on as if it had just been started: with a terminal, a directory and an
// environment of its own, and without this extension. Starting crash takes seconds, which gdb needs
// to read the debug information; this takes milliseconds.
//
// A request is the working directory and the environment, as strings each with its NUL; with it
// come three files, which become 0, 1 and 2. The answer is the PID of the session. It is no child
// of the zygote but of who started that, who has to be a subreaper meanwhile: so the status of a
// session can be waited for. The zygote ends when the other end of its socket is closed.
//
// Owns what has to be made anew in a fork of crash. Must not know of the plug-in, nor of tests.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <crash/defs.h>
#pragma GCC diagnostic pop
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#undef error

enum { REQUEST_MAX = 65536, FILES = 3, VARIABLES_MAX = 256, ENV_START = 50, STAT_FIELDS = 52 };

static char request[REQUEST_MAX];
static size_t request_size;
static int files[FILES];

static void fail(const char *what)
{
    fprintf(stderr, "zygote: %s: %s\n", what, strerror(errno));
    fflush(stderr);
    _exit(70);
}

// False at the end of the socket.
static int receive_request(int sock)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(files))];
    } control;
    struct iovec part = {request, sizeof(request)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t size;

    do
        size = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size <= 0)
        return 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_len != CMSG_LEN(sizeof(files)) || request[size - 1]) {
        errno = EBADMSG;
        fail("request");
    }
    memcpy(files, CMSG_DATA(header), sizeof(files));
    request_size = (size_t)size;
    return 1;
}

// ---- what a process owns ------------------------------------------------------------------------

static void take_files(void)
{
    for (int fd = 0; fd < FILES; fd++) {
        if (dup2(files[fd], fd) < 0)
            fail("dup2");
        close(files[fd]);
    }
    if (isatty(STDIN_FILENO) && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
        fail("controlling terminal");
}

// crash reads with lseek, and forked processes share offsets. A file without a name is a temporary
// one, which crash empties before it uses it again.
static void reopen(int fd)
{
    struct stat status;
    char path[64];

    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return;
    int flags = fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND);
    int on_exec = fcntl(fd, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int fresh = status.st_nlink ? open(path, flags | O_CLOEXEC)
                                : open(P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fresh < 0 || lseek(fresh, lseek(fd, 0, SEEK_CUR), SEEK_SET) < 0 ||
        dup3(fresh, fd, on_exec) < 0)
        fail(path);
    close(fresh);
}

static void reopen_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        fail("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(directory));) {
        int fd = atoi(entry->d_name);
        if (fd > STDERR_FILENO && fd != dirfd(directory))
            reopen(fd);
    }
    closedir(directory);
}

// Where /proc/PID/environ reads: where the environment lay when the program was started.
static void find_environment(char **start, char **end)
{
    char text[4096];
    unsigned long bounds[2] = {0, 0};
    FILE *stat = fopen("/proc/self/stat", "r");

    if (!stat || !fgets(text, sizeof(text), stat))
        fail("/proc/self/stat");
    fclose(stat);
    char *rest = strrchr(text, ')') + 1; // behind the second field
    for (int field = 3; field < STAT_FIELDS; field++) {
        char *word = strtok(field == 3 ? rest : NULL, " \n");
        if (word && field >= ENV_START)
            bounds[field - ENV_START] = strtoul(word, NULL, 10);
    }
    *start = (char *)bounds[0];
    *end = (char *)bounds[1];
}

// What crash itself has set since it was started, the size of the terminal, stays.
static void take_environment(const char *variables, size_t size)
{
    static char *pointers[VARIABLES_MAX + 1];
    static const char *const kept[] = {"LINES", "COLUMNS"};
    char *values[2] = {0};
    char *start, *end;
    size_t count = 0;

    for (size_t i = 0; i < 2; i++)
        values[i] = getenv(kept[i]) ? strdup(getenv(kept[i])) : NULL;
    find_environment(&start, &end);
    if (!start || size > (size_t)(end - start)) {
        errno = E2BIG;
        fail("environment");
    }
    memset(start, 0, (size_t)(end - start));
    memcpy(start, variables, size);
    for (char *next = start; next < start + size && count < VARIABLES_MAX; next += strlen(next) + 1)
        pointers[count++] = next;
    pointers[count] = NULL;
    environ = pointers;
    for (size_t i = 0; i < 2; i++)
        if (values[i])
            setenv(kept[i], values[i], 1);
}

// ---- what crash does before its first prompt ----------------------------------------------------

static void read_startup_file(const char *path, int origin)
{
    char line[BUFSIZE];
    FILE *file = fopen(path, "r");

    if (!file)
        return;
    while (fgets(line, sizeof(line), file))
        resolve_rc_cmd(line, origin);
    fclose(file);
}

static void read_startup_files(void)
{
    char path[BUFSIZE];

    pc->home = strdup(getenv("HOME"));
    pc->editing_mode = "no_mode";
    pc->flags &= ~(ulonglong)RUNTIME; // "set" is silent, and may set anything
    snprintf(path, sizeof(path), "%s/.%src", pc->home, pc->program_name);
    read_startup_file(path, ALIAS_RCHOME);
    snprintf(path, sizeof(path), ".%src", pc->program_name);
    read_startup_file(path, ALIAS_RCLOCAL);
    pc->flags |= RUNTIME;
    if (STREQ(pc->editing_mode, "no_mode"))
        pc->editing_mode = "vi";
}

static void forget_this_extension(void)
{
    extension_table = extension_table->next;
    if (extension_table)
        extension_table->prev = NULL;
    help_init();
}

static void forget_input_file(void)
{
    pc->input_file = NULL;
    pc->ifile_in_progress = 0;
    pc->ifile_offset = 0;
    pc->curcmd = pc->program_name;
    pc->lastcmd = NULL;
    pc->cmdgencur = 0;
}

static void begin_session(void)
{
    const char *directory = request;
    const char *variables = request + strlen(directory) + 1;

    prctl(PR_SET_PDEATHSIG, SIGUSR2); // as crash does
    take_files();
    reopen_files();
    take_environment(variables, request_size - (size_t)(variables - request));
    if (chdir(directory) < 0)
        fail(directory);
    pc->program_pid = (ulong)getpid();
    forget_this_extension();
    forget_input_file();
    gdb_pass_through("maintenance set worker-threads unlimited", NULL, GNU_RETURN_ON_ERROR);
    if (isatty(STDOUT_FILENO) && CRASHPAGER_valid())
        pc->scroll_command = SCROLL_CRASHPAGER;
    read_startup_files();
    cmdline_init();
    RESTART();
}

// ---- the zygote ---------------------------------------------------------------------------------

// The process in between ends at once, so that the session falls to the subreaper.
static void fork_session(int sock)
{
    fflush(NULL);
    pid_t between = fork();
    if (between < 0)
        fail("fork");
    if (between) {
        int status = 0;
        if (waitpid(between, &status, 0) != between || status)
            fail("second fork");
        return;
    }
    between = getpid();
    pid_t session = fork();
    if (session)
        _exit(session < 0);
    while (getppid() == between)
        usleep(100);
    setsid();
    session = getpid();
    if (send(sock, &session, sizeof(session), 0) < 0)
        fail("answer");
    close(sock);
    begin_session();
}

static void cmd_zygote(void)
{
    int sock = argcnt == 2 ? atoi(args[1]) : -1;

    if (send(sock, "ready", 5, 0) < 0)
        fail("socket");
    while (receive_request(sock)) {
        fork_session(sock);
        for (int i = 0; i < FILES; i++)
            close(files[i]);
    }
    exit(0);
}

static char *help_zygote[] = {"zygote", "fork sessions for tests", "fd", NULL};
static struct command_table_entry commands[] = {{"zygote", cmd_zygote, help_zygote, 0}, {NULL}};

static void __attribute__((constructor)) begin(void)
{
    register_extension(commands);
}
