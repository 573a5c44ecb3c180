#pragma once

/* base/thread_signals.h - signals that others send are for the threads that expect them.
 *
 * Around pthread_create, because a thread inherits what its maker blocks. SIGSYS stays open: the kernel raises it for a
 * system call that the process may not make, in the thread that made it, and where it is blocked kills instead
 * (app/syscall_filter.h). */

#include <pthread.h>
#include <signal.h>

/* *before goes back with pthread_sigmask(SIG_SETMASK, before, NULL); NULL: nothing goes back. */
static inline void thread_signals_off(sigset_t *before) {
    sigset_t most;
    sigfillset(&most);
    sigdelset(&most, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &most, before);
}
