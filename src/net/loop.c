/* net/loop.c - see loop.h. epoll, eventfd, signalfd, base/timer's wheel and a lock-free stack of mail.
 *
 * Why not libuv: it has no way to be told of a hang-up while nothing else is wanted of a descriptor (we stop reading
 * from a client that does not read its replies, and must still learn that it went away), closes its handles a turn
 * later, and owns time, which a simulation must own. What we use of such a library is these 300 lines.
 * Level-triggered: edge-triggered epoll measured 1 to 4 per cent less CPU a request (bench/bench_http.py), which is less
 * than the care it asks of every reader is worth. */

#include "net/loop.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* So few that what is put off to the end of a turn does not wait for long. */
enum { EVENTS_A_TURN = 16, SIGNALS_MAX = 65 };

typedef struct SignalSlot {
    void (*fn)(void *arg, int signo);
    void *arg;
} SignalSlot;

struct Loop {
    Clock *clock;
    int epoll_fd, wake_fd, signal_fd;
    LoopFd wake, signal;
    MonoNs now;
    _Atomic pthread_t owner;
    atomic_bool stopping;
    _Atomic(LoopMail *) mail; /* newest first */
    ListNode later;
    TimerWheel timers;
    struct epoll_event batch[EVENTS_A_TURN];
    int batch_n, batch_at; /* events [batch_at, batch_n) of this turn are still to come */
    sigset_t signals;
    SignalSlot on_signal[SIGNALS_MAX];
    struct { /* written by the loop alone, read by anyone */
        _Atomic int64_t turns, callbacks, mails, stalls, worst_us, took[LOOP_STALL_BUCKETS];
    } stats;
};

/* A counter with one writer needs no locked instruction. */
static void count_add(_Atomic int64_t *c, int64_t n) {
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

static NORETURN void die(const char *what) {
    perror(what);
    abort();
}

/* --- accounting --- */

/* Called after each callback: moves `now` on and files how long it took. */
static void callback_done(Loop *l) {
    static const int64_t edges_us[] = LOOP_STALL_US;
    MonoNs before = l->now;
    l->now = clock_mono(l->clock);
    int64_t us = (l->now.ns - before.ns) / 1000;
    size_t bucket = 0;
    while (bucket < ARRAY_LEN(edges_us) && us > edges_us[bucket])
        bucket++;
    count_add(&l->stats.callbacks, 1);
    count_add(&l->stats.took[bucket], 1);
    if (bucket == ARRAY_LEN(edges_us))
        count_add(&l->stats.stalls, 1);
    if (us > atomic_load_explicit(&l->stats.worst_us, memory_order_relaxed))
        atomic_store_explicit(&l->stats.worst_us, us, memory_order_relaxed);
}

void loop_stats(const Loop *l, LoopStats *out) {
    *out = (LoopStats){
        .turns = atomic_load_explicit(&l->stats.turns, memory_order_relaxed),
        .callbacks = atomic_load_explicit(&l->stats.callbacks, memory_order_relaxed),
        .mails = atomic_load_explicit(&l->stats.mails, memory_order_relaxed),
        .stalls = atomic_load_explicit(&l->stats.stalls, memory_order_relaxed),
        .worst_us = atomic_load_explicit(&l->stats.worst_us, memory_order_relaxed),
    };
    for (int i = 0; i < LOOP_STALL_BUCKETS; i++)
        out->took[i] = atomic_load_explicit(&l->stats.took[i], memory_order_relaxed);
}

/* --- timers --- */

static void timer_fired(void *arg) {
    LoopTimer *t = arg;
    Loop *l = t->loop;
    if (t->every_ms > 0) /* from now, not from when it was due: a loop that was late does not fire a burst */
        timer_start(&l->timers, &t->timer, mono_add_ms(l->now, t->every_ms));
    t->fn(t->arg); /* may free t */
    callback_done(l);
}

void loop_timer_init(LoopTimer *t, Loop *l, void (*fn)(void *arg), void *arg) {
    *t = (LoopTimer){ .loop = l, .fn = fn, .arg = arg };
    timer_init(&t->timer, timer_fired, t);
}

void loop_timer_start_at(LoopTimer *t, MonoNs at) {
    t->every_ms = 0;
    timer_start(&t->loop->timers, &t->timer, at);
}

void loop_timer_start(LoopTimer *t, int64_t after_ms, int64_t every_ms) {
    loop_timer_start_at(t, mono_add_ms(clock_mono(t->loop->clock), MAX(after_ms, 0)));
    t->every_ms = every_ms;
}

void loop_timer_stop(LoopTimer *t) {
    timer_stop(&t->loop->timers, &t->timer);
}

LoopTimer *loop_timer_new(Loop *l, void (*fn)(void *arg), void *arg) {
    LoopTimer *t = mem_new(LoopTimer);
    loop_timer_init(t, l, fn, arg);
    return t;
}

LoopTimer *loop_timer_free(LoopTimer *t) {
    if (t)
        loop_timer_stop(t);
    return mem_free(t);
}

static int timeout_ms(Loop *l) {
    MonoNs next;
    if (!list_empty(&l->later))
        return 0;
    if (!timer_wheel_next(&l->timers, &next))
        return -1;
    int64_t left_ns = next.ns - l->now.ns;
    return left_ns <= 0 ? 0 : (int)MIN((left_ns + NS_PER_MS - 1) / NS_PER_MS, (int64_t)3600 * 1000);
}

/* --- descriptors --- */

static uint32_t epoll_events(unsigned want) {
    return ((want & LOOP_READ) ? (uint32_t)EPOLLIN : 0) | ((want & LOOP_WRITE) ? (uint32_t)EPOLLOUT : 0);
}

int loop_fd_start(Loop *l, LoopFd *f, int fd, unsigned want, void (*fn)(void *arg, unsigned events), void *arg) {
    *f = (LoopFd){ .fn = fn, .arg = arg, .fd = fd, .want = want };
    struct epoll_event e = { .events = epoll_events(want), .data.ptr = f };
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0) {
        f->fn = NULL;
        return err_from_errno(errno);
    }
    return 0;
}

void loop_fd_want(Loop *l, LoopFd *f, unsigned want) {
    if (f->want == want)
        return;
    f->want = want;
    struct epoll_event e = { .events = epoll_events(want), .data.ptr = f };
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, f->fd, &e) != 0)
        die("loop_fd_want");
}

void loop_fd_stop(Loop *l, LoopFd *f) {
    if (!f->fn)
        return;
    f->fn = NULL;
    struct epoll_event e = { 0 };
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, f->fd, &e);
    for (int i = l->batch_at; i < l->batch_n; i++) /* events of this turn that were fetched before the stop */
        if (l->batch[i].data.ptr == f)
            l->batch[i].data.ptr = NULL;
}

static void batch_run(Loop *l) {
    while (l->batch_at < l->batch_n) {
        struct epoll_event e = l->batch[l->batch_at++];
        LoopFd *f = e.data.ptr;
        if (!f)
            continue;
        unsigned events = ((e.events & EPOLLIN) ? LOOP_READ : 0u) | ((e.events & EPOLLOUT) ? LOOP_WRITE : 0u) |
                          ((e.events & (EPOLLERR | EPOLLHUP)) ? LOOP_GONE : 0u);
        f->fn(f->arg, events); /* may free f */
        callback_done(l);
    }
}

/* --- mail --- */

static void wake(Loop *l) {
    uint64_t one = 1;
    while (write(l->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void loop_mail(Loop *l, LoopMail *m) {
    LoopMail *top = atomic_load_explicit(&l->mail, memory_order_relaxed);
    do
        m->next = top;
    while (!atomic_compare_exchange_weak_explicit(&l->mail, &top, m, memory_order_release, memory_order_relaxed));
    if (!top) /* whoever finds the box empty wakes the loop: one wakeup for any number of letters */
        wake(l);
}

typedef struct Posted {
    LoopMail mail;
    void (*fn)(void *arg);
    void *arg;
} Posted;

static void posted_run(void *arg) {
    Posted p = *(Posted *)arg;
    mem_free(arg);
    p.fn(p.arg);
}

void loop_post(Loop *l, void (*fn)(void *arg), void *arg) {
    Posted *p = mem_new(Posted);
    *p = (Posted){ .mail = { .fn = posted_run, .arg = p }, .fn = fn, .arg = arg };
    loop_mail(l, &p->mail);
}

static void mail_run(void *arg, unsigned events) {
    Loop *l = arg;
    UNUSED(events);
    uint64_t n;
    while (read(l->wake_fd, &n, sizeof n) < 0 && errno == EINTR)
        ;
    LoopMail *newest = atomic_exchange_explicit(&l->mail, NULL, memory_order_acquire), *first = NULL;
    while (newest) { /* turned round: oldest first */
        LoopMail *next = newest->next;
        newest->next = first;
        first = newest;
        newest = next;
    }
    while (first) {
        LoopMail *m = first;
        first = m->next;
        m->fn(m->arg); /* may free m */
        count_add(&l->stats.mails, 1);
        callback_done(l);
    }
}

void loop_read_mail(Loop *l) {
    mail_run(l, LOOP_READ);
}

/* --- later --- */

void loop_later(Loop *l, LoopLater *d) {
    assert(loop_is_mine(l));
    if (!list_linked(&d->node))
        list_push_back(&l->later, &d->node);
}

static void later_run(Loop *l) {
    ListNode now;
    list_init(&now);
    list_splice(&now, &l->later);
    for (ListNode *n; (n = list_pop_front(&now));) {
        LoopLater *d = LIST_ENTRY(n, LoopLater, node);
        d->fn(d->arg); /* may free d, or stop another */
        callback_done(l);
    }
}

/* --- signals --- */

static void signal_run(void *arg, unsigned events) {
    Loop *l = arg;
    UNUSED(events);
    struct signalfd_siginfo info;
    while (read(l->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        SignalSlot *s = info.ssi_signo < SIGNALS_MAX ? &l->on_signal[info.ssi_signo] : NULL;
        if (s && s->fn)
            s->fn(s->arg, (int)info.ssi_signo);
    }
}

void loop_on_signal(Loop *l, int signo, void (*fn)(void *arg, int signo), void *arg) {
    assert(signo > 0 && signo < SIGNALS_MAX);
    l->on_signal[signo] = (SignalSlot){ fn, arg };
    sigaddset(&l->signals, signo);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signo);
    pthread_sigmask(SIG_BLOCK, &one, NULL);
    int fd = signalfd(l->signal_fd, &l->signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        die("signalfd");
    if (l->signal_fd < 0 && loop_fd_start(l, &l->signal, fd, LOOP_READ, signal_run, l) != 0)
        die("loop_on_signal");
    l->signal_fd = fd;
}

/* --- life --- */

Loop *loop_new(Clock *clock) {
    Loop *l = mem_new(Loop);
    l->clock = clock;
    l->now = clock_mono(clock);
    timer_wheel_init(&l->timers, l->now);
    list_init(&l->later);
    l->signal_fd = -1;
    sigemptyset(&l->signals);
    atomic_store(&l->owner, pthread_self());
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->epoll_fd < 0 || l->wake_fd < 0 || loop_fd_start(l, &l->wake, l->wake_fd, LOOP_READ, mail_run, l) != 0)
        die("loop_new");
    return l;
}

Loop *loop_free(Loop *l) {
    if (!l)
        return NULL;
    assert(l->timers.n == 0); /* every timer was stopped */
    mail_run(l, LOOP_READ);   /* letters sent after the loop stopped still reach their reader */
    later_run(l);
    close(l->epoll_fd);
    close(l->wake_fd);
    if (l->signal_fd >= 0)
        close(l->signal_fd);
    return mem_free(l);
}

int loop_run(Loop *l) {
    atomic_store(&l->owner, pthread_self());
    while (!atomic_load_explicit(&l->stopping, memory_order_acquire)) {
        l->now = clock_mono(l->clock);
        int n = epoll_wait(l->epoll_fd, l->batch, EVENTS_A_TURN, timeout_ms(l));
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        l->now = clock_mono(l->clock);
        count_add(&l->stats.turns, 1);
        l->batch_n = MAX(n, 0);
        l->batch_at = 0;
        batch_run(l);
        timer_wheel_advance(&l->timers, l->now);
        later_run(l);
    }
    atomic_store(&l->stopping, false); /* may be run again, e.g. to drain */
    return 0;
}

void loop_stop(Loop *l) {
    atomic_store_explicit(&l->stopping, true, memory_order_release);
    wake(l);
}

Clock *loop_clock(Loop *l) {
    return l->clock;
}

MonoNs loop_now(const Loop *l) {
    return l->now;
}

bool loop_is_mine(const Loop *l) {
    return pthread_equal(atomic_load_explicit(&l->owner, memory_order_relaxed), pthread_self());
}
