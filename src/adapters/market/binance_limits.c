/* adapters/market/binance_limits.c - see binance_limits.h. */

#include "adapters/market/binance_limits.h"

static int64_t index_of(const BinanceWindow *w, int64_t now, int64_t offset) {
    return floor_div(now + offset, w->length_ms);
}

/* Unknown, the venue's clock may be anywhere in its window: every request may then fall into the next one too. */
static bool next_may_have_begun(const BinanceLimits *l, const BinanceWindow *w, int64_t now) {
    return !l->clock_known || index_of(w, now, l->offset_hi) > w->index;
}

static void roll(const BinanceLimits *l, BinanceWindow *w, int64_t now) {
    int64_t index = index_of(w, now, l->offset_lo);
    if (index <= w->index) /* also when the clock turned out to be behind what we thought: the window lasts longer */
        return;
    w->used = l->under_way[w->count] + (index == w->index + 1 ? w->early : 0);
    w->early = 0;
    w->index = index;
}

static int64_t cost(const BinanceWindow *w, int64_t weight) {
    return w->count == BINANCE_WEIGHT ? weight : 1;
}

static bool has_room(const BinanceWindow *w, int64_t weight) {
    if (w->limit == 0 || w->used == 0) /* a request larger than the headroom goes alone, or it never would */
        return true;
    return w->used + cost(w, weight) <= w->limit * BINANCE_HEADROOM_PERCENT / 100;
}

bool binance_limits_take(BinanceLimits *l, int64_t now, int64_t weight, int64_t *wait_ms) {
    int64_t wait = MAX(l->blocked_until - now, 0);
    if (wait == 0)
        l->banned = false;
    for (int i = 0; i < l->n_windows; i++) {
        BinanceWindow *w = &l->windows[i];
        roll(l, w, now);
        if (!has_room(w, weight))
            wait = MAX(wait, (w->index + 1) * w->length_ms - (now + l->offset_lo));
    }
    *wait_ms = wait;
    if (wait > 0)
        return false;
    for (int i = 0; i < l->n_windows; i++)
        l->windows[i].used += cost(&l->windows[i], weight);
    l->under_way[BINANCE_WEIGHT] += weight;
    l->under_way[BINANCE_REQUESTS]++;
    return true;
}

void binance_limits_done(BinanceLimits *l, int64_t now, int64_t weight) {
    for (int i = 0; i < l->n_windows; i++) {
        BinanceWindow *w = &l->windows[i];
        roll(l, w, now);
        if (next_may_have_begun(l, w, now))
            w->early += cost(w, weight);
    }
    l->under_way[BINANCE_WEIGHT] -= weight;
    l->under_way[BINANCE_REQUESTS]--;
    assert(l->under_way[BINANCE_WEIGHT] >= 0 && l->under_way[BINANCE_REQUESTS] >= 0);
}

/* The answer was made between `sent` and `now`, and the clock showed between `least` and `most` then. */
void binance_limits_server_time(BinanceLimits *l, int64_t sent, int64_t now, Time least, Time most) {
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

static BinanceWindow *find_window(BinanceLimits *l, int64_t now, BinanceCount count, int64_t length_ms) {
    for (int i = 0; i < l->n_windows; i++)
        if (l->windows[i].count == count && l->windows[i].length_ms == length_ms)
            return &l->windows[i];
    if (l->n_windows == BINANCE_WINDOWS_MAX || length_ms <= 0)
        return NULL;
    BinanceWindow *w = &l->windows[l->n_windows++];
    *w = (BinanceWindow){ .count = count, .length_ms = length_ms, .used = l->under_way[count] };
    w->index = index_of(w, now, l->offset_lo);
    return w;
}

void binance_limits_told(BinanceLimits *l, int64_t now, BinanceCount count, int64_t length_ms, int64_t limit) {
    BinanceWindow *w = limit > 0 ? find_window(l, now, count, length_ms) : NULL;
    if (w)
        w->limit = MIN(limit, INT64_MAX / 100);
}

void binance_limits_used(BinanceLimits *l, int64_t sent, int64_t now, int64_t length_ms, int64_t weight) {
    BinanceWindow *w = find_window(l, now, BINANCE_WEIGHT, length_ms);
    if (!w || weight < 0)
        return;
    roll(l, w, now);
    if (index_of(w, sent, l->offset_lo) < w->index) /* may be the count of the window before */
        return;
    /* Others behind the same address count too. What we have under way may not be in that count yet. */
    w->used = MAX(w->used, MIN(weight, INT64_MAX / 100) + l->under_way[BINANCE_WEIGHT]);
}

void binance_limits_block(BinanceLimits *l, int64_t until, bool ban) {
    l->banned |= ban;
    l->blocked_until = MAX(l->blocked_until, until);
}

bool binance_limits_clock(const BinanceLimits *l, int64_t now, Time *out) {
    if (l->clock_known)
        *out = time_ms(now + l->offset_lo);
    return l->clock_known;
}

const BinanceWindow *binance_limits_weight(const BinanceLimits *l) {
    const BinanceWindow *best = NULL;
    for (int i = 0; i < l->n_windows; i++) {
        const BinanceWindow *w = &l->windows[i];
        if (w->count == BINANCE_WEIGHT && (!best || w->length_ms < best->length_ms))
            best = w;
    }
    return best;
}

int64_t binance_limits_next_window(const BinanceLimits *l, int64_t now, int64_t fallback_ms) {
    const BinanceWindow *w = binance_limits_weight(l);
    if (!w)
        return now + fallback_ms;
    return (index_of(w, now, l->offset_lo) + 1) * w->length_ms - l->offset_lo;
}

static int64_t unit_ms(char letter) {
    switch (letter) {
    case 'S':
    case 's':
        return MS_PER_SECOND;
    case 'M':
    case 'm':
        return MS_PER_MINUTE;
    case 'H':
    case 'h':
        return MS_PER_HOUR;
    case 'D':
    case 'd':
        return MS_PER_DAY;
    default:
        return 0;
    }
}

int64_t binance_used_header_ms(Str name) {
    static const Str prefix = STR_INIT("x-mbx-used-weight-");
    int64_t n;
    if (name.n < prefix.n + 2 || !str_eq_nocase(str_first(name, prefix.n), prefix))
        return 0;
    Str digits = str_n(name.p + prefix.n, name.n - prefix.n - 1);
    if (!str_to_i64(digits, &n) || n < 1 || n > 1000)
        return 0;
    return n * unit_ms(name.p[name.n - 1]);
}

int64_t binance_interval_ms(Str unit, int64_t n) {
    bool known =
        str_eq(unit, S("SECOND")) || str_eq(unit, S("MINUTE")) || str_eq(unit, S("HOUR")) || str_eq(unit, S("DAY"));
    return known && n >= 1 && n <= 1000 ? n * unit_ms(unit.p[0]) : 0;
}
