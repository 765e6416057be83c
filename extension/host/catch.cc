// SPDX-License-Identifier: GPL-3.0-or-later
// gdb's errors are C++ exceptions; this file, in C++ for that reason alone, stops them.

extern "C" bool host_catch(void (*call)(void *), void *argument);

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
