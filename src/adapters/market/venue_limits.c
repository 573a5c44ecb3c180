/* adapters/market/venue_limits.c - see venue_limits.h. */

#include "adapters/market/venue_limits.h"

static int64_t index_of(const LimitWindow *w, int64_t now, int64_t offset) {
    return floor_div(now + offset, w->length_ms);
}

/* Unknown, the venue's clock may be anywhere in its window: every request may then fall into the next one too. */
static bool next_may_have_begun(const VenueLimits *l, const LimitWindow *w, int64_t now) {
    return !l->clock_known || index_of(w, now, l->offset_hi) > w->index;
}

static void roll(const VenueLimits *l, LimitWindow *w, int64_t now) {
    int64_t index = index_of(w, now, l->offset_lo);
    if (index <= w->index) /* also when the clock turned out to be behind what we thought: the window lasts longer */
        return;
    w->used = l->under_way[w->count] + (index == w->index + 1 ? w->early : 0);
    w->early = 0;
    w->index = index;
}

static int64_t cost(const LimitWindow *w, int64_t weight) {
    return w->count == LIMIT_WEIGHT ? weight : 1;
}

static bool has_room(const LimitWindow *w, int64_t weight) {
    if (w->limit == 0 || w->used == 0) /* a request larger than the headroom goes alone, or it never would */
        return true;
    return w->used + cost(w, weight) <= w->limit * LIMIT_HEADROOM_PERCENT / 100;
}

/* The generic cell rate algorithm (ITU-T I.371): `free_at` is when the bucket will be full again. */
static int64_t pace_wait_ms(const VenuePace *p, int64_t now) {
    return p->interval_ms ? MAX(p->free_at - (p->burst - 1) * p->interval_ms - now, 0) : 0;
}

bool venue_limits_take(VenueLimits *l, int64_t now, int64_t weight, int64_t *wait_ms) {
    int64_t wait = MAX(l->blocked_until - now, 0);
    if (wait == 0)
        l->banned = false;
    wait = MAX(wait, pace_wait_ms(&l->pace, now));
    for (int i = 0; i < l->n_windows; i++) {
        LimitWindow *w = &l->windows[i];
        roll(l, w, now);
        if (!has_room(w, weight))
            wait = MAX(wait, (w->index + 1) * w->length_ms - (now + l->offset_lo));
    }
    *wait_ms = wait;
    if (wait > 0)
        return false;
    for (int i = 0; i < l->n_windows; i++)
        l->windows[i].used += cost(&l->windows[i], weight);
    l->under_way[LIMIT_WEIGHT] += weight;
    l->under_way[LIMIT_REQUESTS]++;
    l->pace.free_at = MAX(l->pace.free_at, now) + l->pace.interval_ms;
    return true;
}

void venue_limits_done(VenueLimits *l, int64_t now, int64_t weight) {
    for (int i = 0; i < l->n_windows; i++) {
        LimitWindow *w = &l->windows[i];
        roll(l, w, now);
        if (next_may_have_begun(l, w, now))
            w->early += cost(w, weight);
    }
    l->under_way[LIMIT_WEIGHT] -= weight;
    l->under_way[LIMIT_REQUESTS]--;
    assert(l->under_way[LIMIT_WEIGHT] >= 0 && l->under_way[LIMIT_REQUESTS] >= 0);
}

/* The answer was made between `sent` and `now`, and the clock showed between `least` and `most` then. */
void venue_limits_server_time(VenueLimits *l, int64_t sent, int64_t now, Time least, Time most) {
    int64_t lo = least.ms - now, hi = most.ms - sent;
    if (lo > hi) /* not a clock we can make sense of */
        return;
    if (l->clock_known && MAX(lo, l->offset_lo) <= MIN(hi, l->offset_hi)) { /* both are true, so their overlap is */
        l->offset_lo = MAX(lo, l->offset_lo);
        l->offset_hi = MIN(hi, l->offset_hi);
        return;
    }
    /* First knowledge, or a clock was set. What was counted so far moves into the window of the new time. */
    l->clock_known = true;
    l->offset_lo = lo;
    l->offset_hi = hi;
    for (int i = 0; i < l->n_windows; i++)
        l->windows[i].index = index_of(&l->windows[i], now, lo);
}

static LimitWindow *find_window(VenueLimits *l, int64_t now, LimitCount count, int64_t length_ms) {
    for (int i = 0; i < l->n_windows; i++)
        if (l->windows[i].count == count && l->windows[i].length_ms == length_ms)
            return &l->windows[i];
    if (l->n_windows == LIMIT_WINDOWS_MAX || length_ms <= 0)
        return NULL;
    LimitWindow *w = &l->windows[l->n_windows++];
    *w = (LimitWindow){ .count = count, .length_ms = length_ms, .used = l->under_way[count] };
    w->index = index_of(w, now, l->offset_lo);
    return w;
}

void venue_limits_told(VenueLimits *l, int64_t now, LimitCount count, int64_t length_ms, int64_t limit) {
    LimitWindow *w = limit > 0 ? find_window(l, now, count, length_ms) : NULL;
    if (w)
        w->limit = MIN(limit, INT64_MAX / 100);
}

void venue_limits_used(VenueLimits *l, int64_t sent, int64_t now, int64_t length_ms, int64_t weight) {
    LimitWindow *w = find_window(l, now, LIMIT_WEIGHT, length_ms);
    if (!w || weight < 0)
        return;
    roll(l, w, now);
    if (index_of(w, sent, l->offset_lo) < w->index) /* may be the count of the window before */
        return;
    /* Others behind the same address count too. What we have under way may not be in that count yet. */
    w->used = MAX(w->used, MIN(weight, INT64_MAX / 100) + l->under_way[LIMIT_WEIGHT]);
}

void venue_limits_block(VenueLimits *l, int64_t until, bool ban) {
    l->banned |= ban;
    l->blocked_until = MAX(l->blocked_until, until);
}

bool venue_limits_clock(const VenueLimits *l, int64_t now, Time *out) {
    if (l->clock_known)
        *out = time_ms(now + l->offset_lo);
    return l->clock_known;
}

const LimitWindow *venue_limits_weight(const VenueLimits *l) {
    const LimitWindow *best = NULL;
    for (int i = 0; i < l->n_windows; i++) {
        const LimitWindow *w = &l->windows[i];
        if (w->count == LIMIT_WEIGHT && (!best || w->length_ms < best->length_ms))
            best = w;
    }
    return best;
}

int64_t venue_limits_next_window(const VenueLimits *l, int64_t now, int64_t fallback_ms) {
    const LimitWindow *w = venue_limits_weight(l);
    if (!w)
        return now + fallback_ms;
    return (index_of(w, now, l->offset_lo) + 1) * w->length_ms - l->offset_lo;
}
