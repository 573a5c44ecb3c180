/* app/pulse.c - see pulse.h. */

#include "app/pulse.h"

enum { AGAIN_MS = 1000, BUSY_MS = 100 };

struct Pulse {
    Loop *loop;
    Lane *lane;
    Clock *clock;
    PulseFn *fn;
    void *arg;
    LoopTimer timer;
    LoopMail mail;
    atomic_bool waking; /* the letter is under way */
    atomic_bool cancel;
    bool under_way, again, stopped; /* of the loop's thread */
    MonoNs next;                    /* of the run under way; the loop reads it when that is done */
};

static void done(void *arg) { /* on the loop */
    Pulse *p = arg;
    p->under_way = false;
    if (p->stopped)
        return;
    MonoNs now = clock_mono(p->clock);
    int64_t wait_ms = p->again ? 0 : MAX(mono_ms_between(now, p->next) + 1, INT64_C(0));
    p->again = false;
    loop_timer_start(&p->timer, wait_ms, 0);
}

static void run(void *arg, int err) { /* on the lane */
    Pulse *p = arg;
    if (err != 0) /* a lane that closes has no loop behind it any more */
        return;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, p->clock);
    cx.cancel = &p->cancel;
    cx.principal = (Principal){ ROLE_ADMIN, S("pulse") };
    p->next = (MonoNs){ 0 };
    if (p->fn(p->arg, &cx, &p->next) < 0 || p->next.ns == 0)
        p->next = mono_add_ms(clock_mono(p->clock), AGAIN_MS);
    arena_done(&arena);
    loop_post(p->loop, done, p);
}

static void begin(void *arg) { /* on the loop */
    Pulse *p = arg;
    if (p->stopped)
        return;
    if (p->under_way) {
        p->again = true;
        return;
    }
    loop_timer_stop(&p->timer);
    p->under_way = true;
    if (lane_post(p->lane, &(LaneJob){ .run = run, .arg = p }) == 0)
        return;
    p->under_way = false;
    loop_timer_start(&p->timer, BUSY_MS, 0);
}

static void woken(void *arg) {
    Pulse *p = arg;
    atomic_store(&p->waking, false);
    begin(p);
}

Pulse *pulse_new(Loop *loop, Lane *lane, Clock *clock, PulseFn *fn, void *arg) {
    Pulse *p = mem_new(Pulse);
    *p = (Pulse){ .loop = loop, .lane = lane, .clock = clock, .fn = fn, .arg = arg };
    p->mail = (LoopMail){ .fn = woken, .arg = p };
    loop_timer_init(&p->timer, loop, begin, p);
    pulse_wake(p);
    return p;
}

void pulse_wake(Pulse *p) {
    if (!atomic_exchange(&p->waking, true))
        loop_mail(p->loop, &p->mail);
}

void pulse_stop(Pulse *p) {
    if (!p)
        return;
    p->stopped = true;
    atomic_store(&p->cancel, true);
    loop_timer_stop(&p->timer);
}

Pulse *pulse_free(Pulse *p) {
    return p ? mem_free(p) : NULL;
}
