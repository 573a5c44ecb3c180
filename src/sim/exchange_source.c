/* sim/exchange_source.c - see exchange_source.h.
 *
 * A generated kline is the sum of its undisturbed stretches: the interval is cut at the edges of outages, quiet
 * windows and the listing; each stretch is one span of the generator, one flat piece, or nothing. So an hour that
 * was half down is the aggregate of the half hour there was, like the venue's own. */

#include "sim/exchange_source.h"

#include <math.h>

static Time grid_floor(KlineGrid g, Time t) {
    int64_t shift = g.tf.unit >= UNIT_DAY ? g.shift_ms : 0;
    return time_add_ms(timeframe_floor(g.tf, time_add_ms(t, shift)), -shift);
}

static Time grid_step(KlineGrid g, Time open, int64_t n) {
    int64_t shift = g.tf.unit >= UNIT_DAY ? g.shift_ms : 0;
    return time_add_ms(timeframe_step(g.tf, time_add_ms(open, shift), n), -shift);
}

static void kline_merge(Kline *into, const Kline *k, bool first) {
    if (first) {
        into->c = k->c;
        into->trades = k->trades;
        return;
    }
    into->c.high = fmax(into->c.high, k->c.high);
    into->c.low = fmin(into->c.low, k->c.low);
    into->c.close = k->c.close;
    into->trades += k->trades;
    /* a sum of decimals is a decimal: without this 0.1 + 0.2 would be shown with seventeen digits */
    double volume = into->c.volume + k->c.volume, scale = volume < 9e7 ? 1e8 : volume < 9e11 ? 1e4 : 1;
    into->c.volume = round(volume * scale) / scale;
}

static bool window_covers(const SimWindow *w, Symbol symbol) {
    return w->symbol.s[0] == '\0' || symbol_eq(w->symbol, symbol);
}

static const SimWindow *window_at(const SimWindow *v, size_t n, Symbol symbol, Time t) {
    for (size_t i = 0; i < n; i++)
        if (v[i].from.ms <= t.ms && t.ms < v[i].to.ms && window_covers(&v[i], symbol))
            return &v[i];
    return NULL;
}

static bool venue_down(const Source *s, Time t) {
    return window_at(s->days->outages, s->days->n_outages, s->listing.symbol, t) != NULL;
}

/* --- recorded --- */

static Time recorded_first(const Source *s) {
    const Candles *cs = s->recorded->candles;
    return cs->n ? time_ms(cs->open_ms[0]) : TIME_MAX;
}

/* Row i as it looks at `now`: a row still running is shown part of the way, which is all a record can say. */
static Kline recorded_row(const SimRecorded *rec, size_t i, Time now) {
    Kline k = { .c = candles_get(rec->candles, i) };
    Time end = time_add_ms(k.c.open_time, timeframe_ms(rec->timeframe));
    if (!timeframe_is_fixed(rec->timeframe))
        end = timeframe_next(rec->timeframe, k.c.open_time);
    if (now.ms < end.ms - 1) {
        double part = (double)(now.ms - k.c.open_time.ms) / (double)(end.ms - k.c.open_time.ms);
        double volume = floor(k.c.volume * part * 1e8) / 1e8;
        k.c.close = part < 0.5 ? k.c.open : k.c.close;
        k.c.high = part < 0.5 ? k.c.open : k.c.high;
        k.c.low = part < 0.5 ? k.c.open : k.c.low;
        k.c.volume = fmin(volume, k.c.volume);
    }
    k.open_ms = k.c.open_time.ms;
    k.close_ms = end.ms - 1;
    k.trades = k.c.volume > 0 ? 1 + (int64_t)fmin(k.c.volume * k.c.close / 250, 1e9) : 0;
    return k;
}

static bool recorded_span(const Source *s, Time from, Time to, Time now, Kline *out) {
    const SimRecorded *rec = s->recorded;
    size_t i = candles_lower_bound(rec->candles, from);
    bool first = true;
    for (; i < rec->candles->n && rec->candles->open_ms[i] < to.ms && rec->candles->open_ms[i] <= now.ms; i++) {
        if (venue_down(s, time_ms(rec->candles->open_ms[i])))
            continue;
        Kline row = recorded_row(rec, i, now);
        kline_merge(out, &row, first);
        first = false;
    }
    return !first;
}

static bool recorded_is_finer(const SimRecorded *rec, KlineGrid g) {
    return timeframe_ms(rec->timeframe) <= timeframe_ms(g.tf);
}

/* The record's own rows, wherever they stand: asked for in the timeframe they were recorded in. */
static bool recorded_as_is(const SimRecorded *rec, KlineGrid g) {
    return timeframe_eq(rec->timeframe, g.tf) && (g.tf.unit < UNIT_DAY || g.shift_ms == 0);
}

/* --- generated --- */

/* The end of the stretch that begins at t: the nearest edge of any window, at most `to`. */
static Time stretch_end(const VenueDays *d, Time t, Time to) {
    const SimWindow *lists[] = { d->outages, d->quiet };
    const size_t n[] = { d->n_outages, d->n_quiet };
    for (int l = 0; l < 2; l++)
        for (size_t i = 0; i < n[l]; i++) {
            const SimWindow *w = &lists[l][i];
            if (w->from.ms > t.ms && w->from.ms < to.ms)
                to = w->from;
            else if (w->to.ms > t.ms && w->to.ms < to.ms)
                to = w->to;
        }
    return to;
}

static bool flat_stretch(const Source *s, const SimWindow *quiet, Kline *out) {
    double price;
    if (!source_price(s, time_add_ms(quiet->from, -1), &price))
        return false;
    *out = (Kline){ .c = { .open = price, .high = price, .low = price, .close = price, .flags = CANDLE_SIMULATED } };
    return true;
}

static bool generated_span(const Source *s, Time from, Time to, Kline *out) {
    const GenSymbol *g = &s->listing;
    bool first = true;
    from.ms = MAX(from.ms, g->listed.ms);
    while (from.ms < to.ms) {
        Time end = stretch_end(s->days, from, to);
        const SimWindow *quiet = window_at(s->days->quiet, s->days->n_quiet, g->symbol, from);
        Kline piece = { 0 };
        GenCandle exact;
        bool some;
        if (venue_down(s, from)) {
            some = false;
        } else if (quiet) {
            some = flat_stretch(s, quiet, &piece);
        } else if ((some = candle_gen_span(s->gen, g, from, end, &exact))) {
            gen_candle_values(g, &exact, &piece.c);
            piece.trades = exact.trades;
        }
        if (some) {
            kline_merge(out, &piece, first);
            first = false;
        }
        from = end;
    }
    return !first;
}

/* --- both --- */

static Time first_trade(const Source *s) {
    return s->recorded ? recorded_first(s) : s->listing.listed;
}

bool source_listed(const Source *s, Time now) {
    return first_trade(s).ms <= now.ms;
}

/* Only of candles longer than it, so that their order holds. */
static int64_t skew_at(const Source *s, KlineGrid g, Time open) {
    if (g.tf.unit >= UNIT_DAY)
        return 0;
    const SimWindow *w = window_at(s->days->skewed, s->days->n_skewed, s->listing.symbol, open);
    return w && w->skew_ms < timeframe_ms(g.tf) ? w->skew_ms : 0;
}

/* The kline whose grid place is `open`; false when it has no trade or lies in the future. */
static bool kline_at(const Source *s, KlineGrid g, Time open, Time now, Kline *out) {
    if (open.ms > now.ms)
        return false;
    Time next = grid_step(g, open, 1);
    Time known = time_add_ms(now, 1); /* the running second is in it */
    Time to = time_ms(MIN(next.ms, known.ms));
    bool some = s->recorded ? recorded_is_finer(s->recorded, g) && recorded_span(s, open, to, now, out)
                            : generated_span(s, open, to, out);
    int64_t skew = skew_at(s, g, open);
    out->open_ms = open.ms + skew;
    out->close_ms = next.ms - 1 + skew;
    return some && out->open_ms <= now.ms;
}

/* The record's own row at or after t, or at or before it. */
static bool recorded_rows_step(const Source *s, Time t, bool forward, Time now, Kline *out) {
    const Candles *cs = s->recorded->candles;
    ptrdiff_t n = (ptrdiff_t)cs->n, i = (ptrdiff_t)candles_lower_bound(cs, t), step = forward ? 1 : -1;
    if (!forward && !(i < n && cs->open_ms[i] == t.ms))
        i--;
    while (i >= 0 && i < n && venue_down(s, time_ms(cs->open_ms[i])))
        i += step;
    if (i < 0 || i >= n || cs->open_ms[i] > now.ms)
        return false;
    *out = recorded_row(s->recorded, (size_t)i, now);
    return true;
}

bool source_next(const Source *s, KlineGrid g, Time t, Time now, Kline *out) {
    if (s->recorded && recorded_as_is(s->recorded, g))
        return recorded_rows_step(s, t, true, now, out);
    Time first = first_trade(s);
    if (first.ms > now.ms)
        return false;
    Time from = time_ms(MAX(time_add_ms(t, -s->days->skew_most).ms, first.ms));
    for (Time open = grid_floor(g, from); open.ms <= now.ms; open = grid_step(g, open, 1))
        if (kline_at(s, g, open, now, out) && out->open_ms >= t.ms)
            return true;
    return false;
}

bool source_prev(const Source *s, KlineGrid g, Time t, Time now, Kline *out) {
    t.ms = MIN(t.ms, now.ms);
    if (s->recorded && recorded_as_is(s->recorded, g))
        return recorded_rows_step(s, t, false, now, out);
    Time first = first_trade(s);
    if (first.ms > t.ms)
        return false;
    Time least = grid_floor(g, first);
    for (Time open = grid_floor(g, t); open.ms >= least.ms; open = grid_step(g, open, -1))
        if (kline_at(s, g, open, now, out) && out->open_ms <= t.ms)
            return true;
    return false;
}

bool source_span(const Source *s, Time from, Time to, Kline *out) {
    *out = (Kline){ .open_ms = from.ms, .close_ms = to.ms - 1 };
    return s->recorded ? recorded_span(s, from, to, time_add_ms(to, -1), out) : generated_span(s, from, to, out);
}

bool source_price(const Source *s, Time t, double *out) {
    if (!s->recorded) {
        int64_t ticks = candle_gen_price(s->gen, &s->listing, t);
        Candle c;
        gen_candle_values(&s->listing, &(GenCandle){ ticks, ticks, ticks, ticks, 0, 0 }, &c);
        *out = c.close;
        return ticks > 0;
    }
    Kline k;
    if (!recorded_rows_step(s, t, false, t, &k))
        return false;
    *out = k.c.close;
    return true;
}
