// SPDX-License-Identifier: GPL-3.0-or-later
// The handler runs at any time: in a system call of crash's prompt, in a C loop, in the middle of
// a change of Python's own structures, while another thread runs. So it takes a snapshot of the
// process, a child that nobody else sees, and the child looks: what it may stumble over is its own.
#include "epython/stacks.h"

#include <Python.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epython/interpreter.h"
#include "epython/leaving.h"
#include "epython/session.h"

enum { PATIENCE = 5 }; // seconds after which a snapshot that has lost its way is ended

static int file = -1;
static int signal_number;
// faulthandler's own handler, which writes to `file`. A handler takes no context: hence statics.
static void (*write_stacks)(int);

// Nothing but system calls: the C library's locks may be held.
static void put(const char *text)
{
    size_t size = strlen(text);
    while (size) {
        ssize_t n = write(file, text, size);
        if (n <= 0)
            return;
        text += n;
        size -= (size_t)n;
    }
}

static void put_line(const char *word, const char *number, const char *rest)
{
    put(word);
    put(number);
    put(" ");
    put(rest);
    put("\n");
}

static const char *decimal(pid_t number, char text[16])
{
    char *at = text + 15;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return at;
}

static _Noreturn void look(int number)
{
    static const int ending[] = {SIGSEGV, SIGBUS, SIGALRM, SIGABRT};
    sigset_t none;

    for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++) {
        struct sigaction standard = {.sa_handler = SIG_DFL};
        sigaction(ending[i], &standard, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(PATIENCE);
    write_stacks(number);
    _exit(0);
}

// A fork without what fork does for C libraries and programs, and without SIGCHLD at its end: not
// even a program that waits for its children learns of it.
static void on_signal(int number)
{
    int kept = errno;
    int status = 0;
    char digits[16];
    const char *pid = decimal(getpid(), digits);

    put_line("begin ", pid, session_command());
    pid_t child = (pid_t)syscall(SYS_clone, 0UL, NULL, NULL, NULL, NULL);
    if (child == 0)
        look(number);
    if (child < 0 && PyGILState_Check())
        write_stacks(number); // no memory for a snapshot; nobody else changes anything
    else if (child < 0 || waitpid(child, &status, __WALL) != child || status != 0)
        put("  (the rest cannot be read now)\n");
    put_line("end ", pid, "");
    errno = kept;
}

static bool is_free(int number)
{
    struct sigaction present;
    return sigaction(number, NULL, &present) == 0 && !(present.sa_flags & SA_SIGINFO) &&
           (present.sa_handler == SIG_DFL || present.sa_handler == SIG_IGN);
}

static bool choose_signal(void)
{
    for (signal_number = SIGRTMAX - 1; signal_number > SIGRTMIN; signal_number--) {
        if (is_free(signal_number))
            return true;
    }
    return false;
}

static bool open_file(void)
{
    char name[64];
    snprintf(name, sizeof(name), "mpykdump-stacks-" STACKS_PROTOCOL "-%d", signal_number);
    file = memfd_create(name, MFD_CLOEXEC);
    // Clients empty the file; what comes next is at its beginning then.
    return file >= 0 && fcntl(file, F_SETFL, O_APPEND) == 0;
}

static bool call_faulthandler(const char *function, const char *format, int number, int fd)
{
    PyObject *module = PyImport_ImportModule("faulthandler");
    PyObject *done = module ? PyObject_CallMethod(module, function, format, number, fd) : NULL;
    Py_XDECREF(done);
    Py_XDECREF(module);
    return done != NULL;
}

static void block(sigset_t *before)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, signal_number);
    pthread_sigmask(SIG_BLOCK, &mask, before);
}

bool stacks_start(struct error *err)
{
    struct sigaction theirs;
    struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t before;

    if (!choose_signal())
        return error_set(err, ERR_HOST, "no signal is free for mpykdump-attach");
    if (!open_file()) {
        error_set(err, ERR_HOST, "no file for mpykdump-attach: %s", strerror(errno));
        stacks_stop();
        return false;
    }
    // crash leaves its Ctrl-C with a jump, which must not lead out of here.
    sigfillset(&ours.sa_mask);
    block(&before);
    bool ok = call_faulthandler("register", "ii", signal_number, file);
    if (ok) {
        sigaction(signal_number, NULL, &theirs);
        write_stacks = theirs.sa_handler;
        sigaction(signal_number, &ours, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ok) {
        interpreter_take_exception(err);
        stacks_stop();
    }
    return ok;
}

void stacks_stop(void)
{
    struct sigaction nothing = {.sa_handler = SIG_IGN};
    struct error err;
    sigset_t before;

    if (file < 0)
        return;
    block(&before);
    if (!leaving_now() && !call_faulthandler("unregister", "i", signal_number, 0))
        interpreter_take_exception(&err);
    sigaction(signal_number, &nothing, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(file);
    file = -1;
}
