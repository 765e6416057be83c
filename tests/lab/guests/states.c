/*
 * Processes in states that a shell cannot bring about, for the guests of the lab.
 *
 * One program under many names: the name it is called by says what it does, and is what the
 * kernel then shows as its comm. Each creates /run/ready/NAME when it has reached its state, and
 * stays in it until the kernel dies. Nothing here cleans up: the dump is of this very mess.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            err(1, "%s", #call);                                                                   \
    } while (0)

/* What the tests look for in user memory: word i at PATTERN_ADDRESS + 8 * i is PATTERN | i. */
#define PATTERN_ADDRESS 0x10000000000UL
#define PATTERN_BYTES (1UL << 20)
#define PATTERN 0x6d70796b00000000UL

static const char *lock_path = "/run/lab.lock";

static void ready(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/run/ready/%s", name);
    int fd = open(path, O_CREAT | O_WRONLY, 0644);
    MUST(fd);
    close(fd);
}

static void rest(const char *name)
{
    ready(name);
    for (;;)
        pause();
}

static void rename_to(const char *name)
{
    prctl(PR_SET_NAME, name);
}

/* R: never gives its processor back */
static void burner(const char *name)
{
    volatile unsigned long turns = 0;

    ready(name);
    for (;;)
        turns++;
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *sleep_long(void *unused)
{
    rename_to("lab-in-sleep");
    sleep(100000);
    return unused;
}

static void *wait_for_mutex(void *unused)
{
    rename_to("lab-in-futex");
    pthread_mutex_lock(&held);
    return unused;
}

/* three threads: one pauses, one sleeps, one waits for a mutex which the first holds */
static void threads(const char *name)
{
    pthread_t thread;

    pthread_mutex_lock(&held);
    if (pthread_create(&thread, NULL, sleep_long, NULL) ||
        pthread_create(&thread, NULL, wait_for_mutex, NULL))
        errx(1, "cannot make threads");
    rest(name);
}

/* D: the parent of a vfork waits, uninterruptible, until its child lets the memory go */
static void vfork_parent(const char *name)
{
    pid_t child = vfork();

    MUST(child);
    if (child == 0) {
        rename_to("lab-vfork-kid");
        rest(name);
    }
}

/* Z: lab-zombie has ended and is never waited for */
static void neglect(const char *name)
{
    pid_t child = fork();
    siginfo_t info;

    MUST(child);
    if (child == 0) {
        rename_to("lab-zombie");
        _exit(3);
    }
    MUST(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    rest(name);
}

/* T: stopped by a signal; its parent tells when it is */
static void stopper(const char *name)
{
    pid_t child = fork();

    MUST(child);
    if (child == 0) {
        rename_to("lab-stopped");
        raise(SIGSTOP);
    }
    MUST(waitpid(child, NULL, WUNTRACED));
    rest(name);
}

/* t: stopped under a tracer */
static void tracer(const char *name)
{
    pid_t child = fork();

    MUST(child);
    if (child == 0) {
        rename_to("lab-traced");
        MUST(ptrace(PTRACE_TRACEME, 0, 0, 0));
        raise(SIGUSR1);
    }
    MUST(waitpid(child, NULL, 0));
    rest(name);
}

/* parent, child, grandchild: lab-tree, lab-tree-1, lab-tree-2, lab-tree-3 */
static void tree(const char *name)
{
    for (int depth = 1; depth <= 3; depth++) {
        char deeper[16];
        pid_t child = fork();

        MUST(child);
        if (child > 0)
            for (;;)
                pause();
        snprintf(deeper, sizeof deeper, "lab-tree-%d", depth);
        rename_to(deeper);
    }
    rest(name);
}

/* known bytes at a known address */
static void pattern(const char *name)
{
    uint64_t *words = mmap((void *)PATTERN_ADDRESS, PATTERN_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (words == MAP_FAILED)
        err(1, "mmap");
    for (uint64_t i = 0; i < PATTERN_BYTES / sizeof *words; i++)
        words[i] = PATTERN | i;
    rest(name);
}

/* S, but of a real-time class */
static void realtime(const char *name)
{
    struct sched_param param = {.sched_priority = 10};

    MUST(sched_setscheduler(0, SCHED_FIFO, &param));
    rest(name);
}

/* of another user, and nice */
static void user(const char *name)
{
    ready(name);
    MUST(nice(5));
    MUST(setgid(1000));
    MUST(setuid(1000));
    for (;;)
        pause();
}

static void lock_whole(int fd, int command)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    MUST(fcntl(fd, command, &lock));
}

/* a lock that belongs to an open file, a lease, and files that no directory has */
static void nameless_files(void)
{
    struct flock part = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
    int fd;

    MUST(fd = open("/run/lab file \\ with blanks", O_CREAT | O_RDWR, 0644));
    MUST(fcntl(fd, F_OFD_SETLK, &part));
    MUST(fd = open("/bin/busybox", O_RDONLY));
    MUST(fcntl(fd, F_SETLEASE, F_RDLCK));
    MUST(memfd_create("lab memory", 0));
    MUST(open("/proc/self/ns/net", O_RDONLY));
    MUST(syscall(SYS_pidfd_open, getpid(), 0));
}

/* open files of every kind, and locks */
static void files(const char *name)
{
    struct itimerspec in_a_day = {.it_value = {.tv_sec = 86400}};
    struct epoll_event any = {.events = EPOLLIN};
    int pipes[2], event, epoll, timer, fd;

    MUST(fd = open(lock_path, O_CREAT | O_RDWR, 0644));
    lock_whole(fd, F_SETLK);
    MUST(fd = open("/run/lab.flock", O_CREAT | O_RDWR, 0644));
    MUST(flock(fd, LOCK_EX));
    MUST(fd = open("/run/lab.deleted", O_CREAT | O_RDWR, 0644));
    MUST(write(fd, "deleted but open\n", 17));
    MUST(unlink("/run/lab.deleted"));
    MUST(pipe(pipes));
    MUST(write(pipes[1], "unread", 6));
    MUST(event = eventfd(7, 0));
    MUST(timer = timerfd_create(CLOCK_MONOTONIC, 0));
    MUST(timerfd_settime(timer, 0, &in_a_day, NULL));
    MUST(inotify_add_watch(inotify_init1(0), "/run", IN_DELETE));
    MUST(epoll = epoll_create1(0));
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &any));
    nameless_files();
    ready(name);
    MUST(epoll_wait(epoll, &any, 1, -1));
}

/* waits for the lock that lab-files holds */
static void lock_waiter(const char *name)
{
    int fd = open(lock_path, O_RDWR);

    MUST(fd);
    ready(name);
    lock_whole(fd, F_SETLKW);
}

static int bound(int type, const void *address, socklen_t length)
{
    const struct sockaddr *generic = address;
    int fd = socket(generic->sa_family, type, 0);

    MUST(fd);
    MUST(bind(fd, generic, length));
    if (type == SOCK_STREAM)
        MUST(listen(fd, 16));
    return fd;
}

/* a connection to `address` with `text` sent and not read */
static void send_unread(int type, const void *address, socklen_t length, const char *text)
{
    const struct sockaddr *generic = address;
    int fd = socket(generic->sa_family, type, 0);

    MUST(fd);
    MUST(connect(fd, generic, length));
    MUST(write(fd, text, strlen(text)));
}

/* TCP 7001 (accepted) and 7003 on IPv6 (listening), UDP 7002, UNIX /run/lab.sock, @lab-abstract */
static void sockets(const char *name)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/run/lab.sock"};
    struct sockaddr_un hidden = {.sun_family = AF_UNIX, .sun_path = "\0lab-abstract"};
    socklen_t hidden_length = offsetof(struct sockaddr_un, sun_path) + sizeof "lab-abstract";

    v4.sin_port = htons(7001);
    int tcp = bound(SOCK_STREAM, &v4, sizeof v4);
    send_unread(SOCK_STREAM, &v4, sizeof v4, "unread in a TCP socket");
    MUST(accept(tcp, NULL, NULL));
    v4.sin_port = htons(7002);
    bound(SOCK_DGRAM, &v4, sizeof v4);
    send_unread(SOCK_DGRAM, &v4, sizeof v4, "unread in a UDP socket");
    v6.sin6_port = htons(7003);
    bound(SOCK_STREAM, &v6, sizeof v6);
    int local = bound(SOCK_STREAM, &path, sizeof path);
    send_unread(SOCK_STREAM, &path, sizeof path, "unread in a UNIX socket");
    MUST(accept(local, NULL, NULL));
    bound(SOCK_DGRAM, &hidden, hidden_length);
    rest(name);
}

/* System V objects under the key 0x6d70 */
static void ipc(const char *name)
{
    struct {
        long type;
        char text[16];
    } message = {1, "unread message"};
    int queue = msgget(0x6d70, IPC_CREAT | 0600);
    int memory = shmget(0x6d70, 8192, IPC_CREAT | 0640);

    MUST(queue);
    MUST(memory);
    MUST(msgsnd(queue, &message, sizeof message.text, 0));
    MUST(semget(0x6d70, 2, IPC_CREAT | 0600));
    if (shmat(memory, NULL, 0) == (void *)-1)
        err(1, "shmat");
    rest(name);
}

static const struct {
    const char *name;
    void (*become)(const char *name);
} states[] = {
    {"lab-sleeper", rest},       {"lab-burner", burner},   {"lab-threads", threads},
    {"lab-vfork", vfork_parent}, {"lab-neglect", neglect}, {"lab-stopper", stopper},
    {"lab-tracer", tracer},      {"lab-tree", tree},       {"lab-pattern", pattern},
    {"lab-realtime", realtime},  {"lab-user", user},       {"lab-files", files},
    {"lab-waiter", lock_waiter}, {"lab-sockets", sockets}, {"lab-ipc", ipc},
};

int main(int count, char **arguments)
{
    const char *name = count > 0 ? basename(arguments[0]) : "";

    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(name, states[i].name) == 0)
            states[i].become(states[i].name);
    errx(2, "no such state: %s", name);
}
