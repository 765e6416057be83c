// SPDX-License-Identifier: GPL-3.0-or-later
// gdb's errors are C++ exceptions; this file, in C++ for that reason alone, stops them.

extern "C" bool host_catch(void (*call)(void *), void *argument);
extern "C" void host_catch_forget_quit(void);

// False when the call threw.
extern "C" bool host_catch(void (*call)(void *), void *argument)
{
    try {
        call(argument);
        return true;
    } catch (...) {
        return false;
    }
}

// gdb's own, which not every version may have.
int check_quit_flag() __attribute__((weak));

// Ctrl-C leaves a mark in gdb that would end its next command as well.
extern "C" void host_catch_forget_quit(void)
{
    if (check_quit_flag)
        check_quit_flag();
}
