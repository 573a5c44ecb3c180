/* services/market/follow.c - see follow.h: the stream, and what of it is saved and told. follow_rest.c catches up. */

#include "services/market/follow_internal.h"

#include "core/validate.h"

#include <stdio.h>
#include <stdlib.h>

enum { GRACE_MS = 3000 };

int64_t follow_now_ms(Ctx *cx) {
    return clock_mono(cx->clock).ns / NS_PER_MS;
}

Time follow_end_of(const FollowSeries *s) {
    return timeframe_step(s->key.timeframe, s->next, 1);
}

void follow_publish(MarketFollow *l, Ctx *cx, const MarketFollowEvent *v, size_t n) {
    if (n && l->o.publish)
        l->o.publish(l->o.arg, cx, v, n);
}

/* --- the beginning --- */

/* Behind the newest closed candle that is stored, if it is not too old; else with the one that runs. */
static int find_start(MarketFollow *l, Ctx *cx, FollowSeries *s, Time now) {
    Candles rows;
    bool more;
    Time running = timeframe_floor(s->key.timeframe, now);
    CandleQuery q = { time_add_ms(now, -l->catch_up_ms), TIME_MAX, .limit = 4, .newest = true, .skip_synthetic = true };
    candles_init(&rows, cx->arena, 4);
    s->next = running;
    int r = candle_store_read(l->o.store, cx, &s->key, &q, &rows, &more);
    for (size_t i = rows.n; r == 0 && i-- > 0;)
        if (!(rows.flags[i] & CANDLE_OPEN)) {
            Time next = timeframe_next(s->key.timeframe, time_ms(rows.open_ms[i]));
            s->next = time_before(next, running) ? next : running;
            break;
        }
    return r == STORE_NO_SERIES ? 0 : r;
}

static int start(MarketFollow *l, Ctx *cx) {
    Time now = clock_wall(cx->clock);
    for (size_t i = 0; i < l->o.n; i++) {
        FollowSeries *s = &l->v[i];
        if (market_feed_simulated(l->o.rest) && !s->key.provider.s[0])
            venue_parse(S("sim"), &s->key.provider);
        int r = find_start(l, cx, s, now);
        if (r)
            return r;
    }
    l->started = true;
    return 0;
}

/* --- the stream --- */

static void add_word(MarketFollow *l, Ctx *cx, size_t series, const Candle *c) {
    if (l->n_words == l->cap_words) {
        size_t had = l->cap_words * sizeof *l->words;
        l->cap_words = MAX(l->cap_words * 2, 256);
        l->words = arena_grow(cx->arena, l->words, had, l->cap_words * sizeof *l->words);
    }
    l->words[l->n_words++] = (FollowWord){ series, *c };
}

static void add_running(MarketFollow *l, Ctx *cx, size_t series, const Candle *c) {
    if (l->n_running == l->cap_running) {
        size_t had = l->cap_running * sizeof *l->running;
        l->cap_running = MAX(l->cap_running * 2, 256);
        l->running = arena_grow(cx->arena, l->running, had, l->cap_running * sizeof *l->running);
    }
    l->running[l->n_running++] = (MarketFollowEvent){ .series = series, .key = &l->v[series].key, .candle = *c };
    l->stats.updates++;
}

static void take_candle(MarketFollow *l, Ctx *cx, size_t i, const Candle *c) {
    FollowSeries *s = &l->v[i];
    bool closed = !(c->flags & CANDLE_OPEN);
    Time place = timeframe_floor(s->key.timeframe, c->open_time);
    if (candle_issues(c, s->key.timeframe) & ISSUE_ERRORS) {
        s->doubt |= closed;
    } else if (time_before(place, s->next)) {
        l->stats.repeats += closed;
    } else if (place.ms > s->next.ms) {
        s->doubt = true; /* one was left out; this one comes again with it */
    } else if (closed) {
        add_word(l, cx, i, c);
        s->next = follow_end_of(s);
    } else {
        add_running(l, cx, i, c);
    }
}

static void take_event(MarketFollow *l, Ctx *cx, const LiveEvent *e) {
    assert(e->series < l->o.n);
    FollowSeries *s = &l->v[e->series];
    if (e->kind == FEED_CANDLE) {
        take_candle(l, cx, e->series, &e->candle);
        return;
    }
    bool flows = e->kind == FEED_RESUMED;
    l->stats.flowing += flows - s->flows;
    s->flows = flows;
    if (flows) {
        s->doubt |=
            !time_before(clock_wall(cx->clock), follow_end_of(s)); /* a last word missed just now: the clock finds it */
        s->ask_at = 0;
    }
    if (!flows && !l->told) /* once for all series of a connection */
        LOG_WARNING(l->o.log, cx, S("the stream is interrupted"), F_STR("exchange", venue_str(&s->key.venue)),
                    F_STR("reason", e->words));
    l->told |= !flows;
}

/* --- saving and telling --- */

Coverage follow_coverage(const MarketFollow *l, Ctx *cx, Time from, Time to, const char *how) {
    Coverage c = { .from = from, .to = to, .fetched_at = clock_wall(cx->clock) };
    snprintf(c.source, sizeof c.source, "%s %s", l->o.rest->ops->name,
             market_feed_simulated(l->o.rest) ? "(simulated)" : how);
    return c;
}

static int by_series(const void *a, const void *b) {
    const FollowWord *x = a, *y = b;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    return time_cmp(x->candle.open_time, y->candle.open_time);
}

typedef struct Batch {
    SaveRequest *reqs;
    SaveResult *results;
    Candles *rows;
    size_t *first; /* word */
    size_t n;
} Batch;

/* Words of one series are one request. */
static Batch make_batch(MarketFollow *l, Ctx *cx) {
    Arena *a = cx->arena;
    Batch b = { arena_new_n(a, SaveRequest, l->n_words), arena_new_n(a, SaveResult, l->n_words),
                arena_new_n(a, Candles, l->n_words), arena_new_n(a, size_t, l->n_words + 1), 0 };
    for (size_t i = 0, n; i < l->n_words; i += n) {
        const FollowSeries *s = &l->v[l->words[i].series];
        for (n = 1; i + n < l->n_words && l->words[i + n].series == l->words[i].series;)
            n++;
        Candles *rows = &b.rows[b.n];
        candles_init(rows, a, n);
        for (size_t k = 0; k < n; k++)
            candles_push(rows, &l->words[i + k].candle);
        Time from = timeframe_floor(s->key.timeframe, l->words[i].candle.open_time);
        Time to = timeframe_next(s->key.timeframe, l->words[i + n - 1].candle.open_time);
        b.reqs[b.n] = (SaveRequest){ .key = &s->key,
                                     .rows = rows,
                                     .flags = SAVE_DURABLE | SAVE_COVERAGE,
                                     .coverage = follow_coverage(l, cx, from, to, "stream") };
        b.first[b.n++] = i;
    }
    b.first[b.n] = l->n_words;
    return b;
}

/* Nothing was saved: every series goes back to its first word, and REST is asked for it. */
static void take_back(MarketFollow *l, Ctx *cx, int r) {
    for (size_t i = l->n_words; i-- > 0;) {
        FollowSeries *s = &l->v[l->words[i].series];
        s->next = timeframe_floor(s->key.timeframe, l->words[i].candle.open_time);
        s->doubt = true;
        s->ask_at = follow_now_ms(cx) + FOLLOW_AGAIN_MS;
    }
    l->stats.save_failures++;
    UNUSED(r);
    log_failure(l->o.log, cx, S("live candles could not be saved; they are asked for again"));
}

static void flush_words(MarketFollow *l, Ctx *cx) {
    if (l->n_words == 0)
        return;
    qsort(l->words, l->n_words, sizeof *l->words, by_series);
    Batch b = make_batch(l, cx);
    int r = candle_store_save_many(l->o.store, cx, b.reqs, b.n, b.results);
    if (r) {
        take_back(l, cx, r);
    } else {
        MarketFollowEvent *events = arena_new_n(cx->arena, MarketFollowEvent, l->n_words);
        for (size_t i = 0; i < b.n; i++)
            for (size_t k = b.first[i]; k < b.first[i + 1]; k++)
                events[k] = (MarketFollowEvent){ .series = l->words[k].series,
                                                 .key = b.reqs[i].key,
                                                 .candle = l->words[k].candle,
                                                 .closed = true,
                                                 .revision = b.results[i].revision };
        l->stats.closed += (int64_t)l->n_words;
        follow_publish(l, cx, events, l->n_words);
    }
    l->n_words = l->cap_words = 0;
    l->words = NULL;
}

/* --- the whole --- */

static int step(MarketFollow *l, Ctx *cx, int64_t wait_ms) {
    LiveEvent *events;
    size_t n;
    int r = l->started ? 0 : start(l, cx);
    if (r == 0)
        r = live_feed_next(l->o.live, cx, wait_ms, &events, &n);
    if (r)
        return r;
    for (size_t i = 0; i < n; i++)
        take_event(l, cx, &events[i]);
    flush_words(l, cx);
    size_t kept = 0; /* those whose last word came behind them are no news */
    for (size_t i = 0; i < l->n_running; i++)
        if (!time_before(l->running[i].candle.open_time, l->v[l->running[i].series].next))
            l->running[kept++] = l->running[i];
    follow_publish(l, cx, l->running, kept);
    return follow_catch_up(l, cx);
}

int market_follow_step(MarketFollow *l, Ctx *cx, int64_t wait_ms) {
    Arena arena = { 0 };
    Ctx inner = *cx;
    inner.arena = &arena;
    int r = step(l, &inner, wait_ms);
    if (r < 0)
        cx->err = inner.err;
    l->words = NULL;
    l->running = NULL;
    l->told = false;
    l->n_words = l->cap_words = l->n_running = l->cap_running = 0;
    arena_done(&arena);
    return r;
}

MarketFollow *market_follow_new(const MarketFollowOptions *o) {
    assert(o->store && o->live && o->rest && o->n);
    MarketFollow *l = mem_new(MarketFollow);
    l->o = *o;
    l->v = mem_new_n(FollowSeries, o->n);
    for (size_t i = 0; i < o->n; i++)
        l->v[i].key = o->keys[i];
    l->o.keys = NULL;
    l->grace_ms = o->grace_ms ? o->grace_ms : GRACE_MS;
    l->catch_up_ms = o->catch_up_ms ? o->catch_up_ms : MS_PER_DAY;
    follow_rest_init(l);
    return l;
}

MarketFollow *market_follow_free(MarketFollow *l) {
    if (!l)
        return NULL;
    follow_rest_done(l);
    mem_free(l->v);
    return mem_free(l);
}

void market_follow_stats(const MarketFollow *l, MarketFollowStats *out) {
    *out = l->stats;
}
