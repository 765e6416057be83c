/*
 * Processes with many threads, and some in places of their own, for the guest "threads".
 *
 * Like states.c one program under many names: the name says what it does. Each creates
 * /run/ready/NAME when all is as it is to be dumped. lab-crowd goes on as CROWDS processes.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            err(1, "%s", #call);                                                                   \
    } while (0)

#define CROWDS 40
#define THREADS 125
#define STACK 16384

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static atomic_int arrived;
static int word;
static int silent[2];

static void ready(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/run/ready/%s", name);
    int fd = open(path, O_CREAT | O_WRONLY, 0644);
    MUST(fd);
    close(fd);
}

static void *wait_somewhere(void *number)
{
    char name[16], byte;
    struct pollfd quiet = {.fd = silent[0], .events = POLLIN};
    long which = (long)number;

    snprintf(name, sizeof name, "crowd-%ld", which);
    prctl(PR_SET_NAME, name);
    arrived++;
    for (;;) {
        switch (which % 5) {
        case 0:
            pause();
            break;
        case 1:
            sleep(100000);
            break;
        case 2:
            syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
            break;
        case 3:
            poll(&quiet, 1, -1);
            break;
        default:
            if (read(silent[0], &byte, 1) < 0)
                err(1, "read");
        }
    }
    return NULL;
}

/* one of the processes of lab-crowd, until all its threads are there */
static void be_a_crowd(int report)
{
    pthread_attr_t small;
    pthread_t thread;

    MUST(pipe(silent));
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    for (long i = 1; i < THREADS; i++)
        if (pthread_create(&thread, &small, wait_somewhere, (void *)i))
            errx(1, "cannot make thread %ld", i);
    while (arrived < THREADS - 1)
        usleep(10000);
    MUST(write(report, "", 1));
    for (;;)
        pause();
}

/* CROWDS processes of THREADS threads each, all children of this one */
static void crowd(const char *name)
{
    int report[2];
    char byte;

    MUST(pipe(report));
    for (int i = 0; i < CROWDS; i++) {
        pid_t child = fork();

        MUST(child);
        if (child == 0)
            be_a_crowd(report[1]);
        MUST(read(report[0], &byte, 1));
    }
    ready(name);
    for (;;)
        pause();
}

/* lab-spaces-1 is in new namespaces of every kind; below it lab-spaces-2, in a PID namespace in
 * that one */
static void spaces(const char *name)
{
    MUST(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
                 CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME));
    for (int level = 1; level <= 2; level++) {
        char inner[16];
        pid_t child = fork();

        MUST(child);
        if (child > 0)
            for (;;)
                pause();
        snprintf(inner, sizeof inner, "lab-spaces-%d", level);
        prctl(PR_SET_NAME, inner);
        if (level == 1)
            MUST(unshare(CLONE_NEWPID));
    }
    ready(name);
    for (;;)
        pause();
}

/* anonymous and shared memory, and a System V segment that has no pages yet */
static void memory(const char *name)
{
    size_t size = 4 << 20;
    char *own = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *shared = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (own == MAP_FAILED || shared == MAP_FAILED)
        err(1, "mmap");
    int segment = shmget(IPC_PRIVATE, 3 * size, IPC_CREAT | 0600);
    MUST(segment);
    if (shmat(segment, NULL, 0) == (void *)-1)
        err(1, "shmat");
    memset(own, 1, size);
    memset(shared, 1, 2 * size);
    ready(name);
    for (;;)
        pause();
}

/* without some capabilities, under seccomp, in groups */
static void bound(const char *name)
{
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    struct sock_fprog filter = {1, &allow};
    gid_t groups[] = {7, 1000, 70000};

    MUST(setgroups(sizeof groups / sizeof *groups, groups));
    MUST(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0));
    MUST(prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0));
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    ready(name);
    MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0));
    for (;;)
        pause();
}

static const struct {
    const char *name;
    void (*become)(const char *name);
} roles[] = {
    {"lab-crowd", crowd},
    {"lab-spaces", spaces},
    {"lab-memory", memory},
    {"lab-bound", bound},
};

int main(int count, char **arguments)
{
    const char *name = count > 0 ? basename(arguments[0]) : "";

    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(name, roles[i].name) == 0)
            roles[i].become(roles[i].name);
    errx(2, "no such role: %s", name);
}
