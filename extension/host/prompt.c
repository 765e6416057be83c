// SPDX-License-Identifier: GPL-3.0-or-later
// crash's prompt is its readline, which calls this hook when a signal has interrupted its waiting
// for a key: in the main thread, outside of the handler, while no command runs.
#include "host/host.h"

// Of the readline inside crash. Weak: without it nothing is called.
extern int (*rl_signal_event_hook)(void) __attribute__((weak));

static void (*hook)(void);

static int on_signal(void)
{
    hook();
    return 0;
}

void host_prompt_watch(void (*call)(void))
{
    hook = call;
    if (&rl_signal_event_hook)
        rl_signal_event_hook = call ? on_signal : NULL;
}
