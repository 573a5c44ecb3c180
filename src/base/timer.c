/* base/timer.c - see timer.h.
 *
 * A timer sits on the level of the highest base-64 digit in which its tick differs from the wheel's, in the slot of
 * that digit. So everything on a level is due before anything on the level above, and within a level the slots are
 * in order: the next due slot is the lowest set bit of the lowest level that is not empty. Reaching a slot above
 * level 0 sorts its timers into the levels below. Moving timers loses the order of their starts among equals; a slot
 * is sorted by (due, start) before it fires. */

#include "base/timer.h"

enum { DIGIT_BITS = 6, DIGIT_MASK = TIMER_SLOTS - 1 };

static uint64_t tick_of(MonoNs t, bool up) {
    if (t.ns <= 0)
        return 0;
    uint64_t ns = (uint64_t)t.ns;
    return ns / NS_PER_MS + (up && ns % NS_PER_MS != 0);
}

void timer_wheel_init(TimerWheel *w, MonoNs now) {
    *w = (TimerWheel){ .tick = tick_of(now, false) };
    for (int level = 0; level < TIMER_LEVELS; level++)
        for (int slot = 0; slot < TIMER_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
}

void timer_init(Timer *t, void (*fn)(void *arg), void *arg) {
    *t = (Timer){ .fn = fn, .arg = arg };
}

static void place(TimerWheel *w, Timer *t) {
    uint64_t differs = t->tick ^ w->tick;
    t->level = differs ? (63 - __builtin_clzll(differs)) / DIGIT_BITS : 0;
    assert(t->level < TIMER_LEVELS);
    t->slot = t->tick >> (DIGIT_BITS * t->level) & DIGIT_MASK;
    list_push_back(&w->slots[t->level][t->slot], &t->node);
    w->used[t->level] |= UINT64_C(1) << t->slot;
}

void timer_start(TimerWheel *w, Timer *t, MonoNs due) {
    timer_stop(w, t);
    t->due = due;
    t->tick = MAX(tick_of(due, true), w->tick + w->firing); /* what a callback starts is for a later tick */
    t->order = ++w->order;
    place(w, t);
    w->n++;
}

bool timer_stop(TimerWheel *w, Timer *t) {
    if (!timer_running(t))
        return false;
    list_remove(&t->node);
    if (list_empty(&w->slots[t->level][t->slot])) /* also when it waited in the list being fired */
        w->used[t->level] &= ~(UINT64_C(1) << t->slot);
    w->n--;
    return true;
}

static bool fires_before(const Timer *a, const Timer *b) {
    return a->due.ns != b->due.ns ? a->due.ns < b->due.ns : a->order < b->order;
}

static Timer *timer_at(ListNode *node) {
    return LIST_ENTRY(node, Timer, node);
}

/* Merges two sorted lists into `into`. */
static void merge(ListNode *into, ListNode *from) {
    for (ListNode *at = into->next; !list_empty(from);) {
        if (at == into) {
            list_splice(into, from);
        } else if (fires_before(timer_at(from->next), timer_at(at))) {
            list_insert_before(at, list_pop_front(from));
        } else {
            at = at->next;
        }
    }
}

/* Bottom-up merge sort: run[k] is empty or holds 2^k timers. */
static void sort(ListNode *list) {
    ListNode run[32];
    int runs = 0;
    while (!list_empty(list)) {
        ListNode one;
        list_init(&one);
        list_push_back(&one, list_pop_front(list));
        int k = 0;
        for (; k < runs && !list_empty(&run[k]); k++)
            merge(&one, &run[k]);
        if (k == runs)
            list_init(&run[runs++]);
        assert(runs < (int)ARRAY_LEN(run));
        list_splice(&run[k], &one);
    }
    for (int k = 0; k < runs; k++)
        merge(list, &run[k]);
}

static size_t fire(TimerWheel *w, ListNode *slot) {
    ListNode due;
    list_init(&due);
    list_splice(&due, slot);
    sort(&due);
    size_t fired = 0;
    w->firing = true;
    for (ListNode *node; (node = list_pop_front(&due)); fired++) { /* callbacks may stop the ones still in due */
        Timer *t = timer_at(node);
        w->n--;
        t->fn(t->arg);
    }
    w->firing = false;
    return fired;
}

/* The first slot that holds timers, and the tick it begins at; false without one. */
static bool first_slot(const TimerWheel *w, int *level, unsigned *slot, uint64_t *tick) {
    for (int l = 0; l < TIMER_LEVELS; l++) {
        if (!w->used[l])
            continue;
        *level = l;
        *slot = (unsigned)__builtin_ctzll(w->used[l]);
        uint64_t above = w->tick >> (DIGIT_BITS * (l + 1)) << (DIGIT_BITS * (l + 1));
        *tick = above | (uint64_t)*slot << (DIGIT_BITS * l);
        return true;
    }
    return false;
}

size_t timer_wheel_advance(TimerWheel *w, MonoNs now) {
    assert(!w->firing);
    uint64_t until = tick_of(now, false), tick;
    size_t fired = 0;
    int level;
    unsigned slot;
    while (first_slot(w, &level, &slot, &tick) && tick <= until) {
        w->used[level] &= ~(UINT64_C(1) << slot);
        w->tick = MAX(w->tick, tick);
        if (level == 0) {
            fired += fire(w, &w->slots[0][slot]);
            continue;
        }
        ListNode moving;
        list_init(&moving);
        list_splice(&moving, &w->slots[level][slot]);
        for (ListNode *node; (node = list_pop_front(&moving));)
            place(w, timer_at(node));
    }
    w->tick = MAX(w->tick, until);
    return fired;
}

bool timer_wheel_next(const TimerWheel *w, MonoNs *out) {
    int level;
    unsigned slot;
    uint64_t tick;
    if (w->n == 0 || !first_slot(w, &level, &slot, &tick))
        return false;
    out->ns = tick > INT64_MAX / NS_PER_MS ? INT64_MAX : (int64_t)tick * NS_PER_MS;
    return true;
}
