/* tests/torture/sim_truth.c - see sim_truth.h. */

#include "torture/sim_truth.h"

#include <stdarg.h>
#include <stdio.h>

int words_set(Words w, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    if (!w.p[0])
        vsnprintf(w.p, w.size, fmt, args);
    va_end(args);
    return -1;
}

/* All of a series, in cx->arena; no rows when it was never saved. */
static int read_all(CandleStore *store, Ctx *cx, const SeriesKey *key, Time from, Time to, Candles *out, Words words) {
    bool more;
    candles_init(out, cx->arena, 16);
    int r = candle_store_read(store, cx, key, &(CandleQuery){ .from = from, .to = to }, out, &more);
    return r < 0 ? words_set(words, "reading %s: %s", key->symbol.s, cx->err.text) : 0;
}

static int row_wrong(const SeriesKey *key, Time at, const char *what, Words words) {
    char tf[TIMEFRAME_TEXT_MAX];
    return words_set(words, "%s " STR_FMT " at %lld: %s", key->symbol.s, STR_ARG(timeframe_text(key->timeframe, tf)),
                     (long long)at.ms, what);
}

/* --- the exchange's candles --- */

void truth_init(Truth *t, Arena *arena, uint64_t seed, const SeriesKey *key, Time from, Time to,
                const SimWindow *outage) {
    GenSymbol symbol;
    CandleGen *g = candle_gen_new(seed);
    bool known = gen_symbol_from_name(key->symbol, &symbol);
    assert(known && timeframe_is_fixed(key->timeframe) && timeframe_on_grid(key->timeframe, from));
    UNUSED(known);
    *t = (Truth){ .key = *key, .from = from, .n = (size_t)timeframe_count(key->timeframe, from, to) };
    t->rows = arena_new_n(arena, Candle, t->n);
    t->kind = arena_new_n(arena, uint8_t, t->n);
    for (size_t i = 0; i < t->n; i++) {
        Time open = timeframe_step(key->timeframe, from, (int64_t)i), next = timeframe_step(key->timeframe, open, 1);
        GenCandle exact;
        bool down = open.ms >= outage->from.ms && next.ms <= outage->to.ms;
        if (down || !candle_gen_span(g, &symbol, open, next, &exact))
            continue;
        gen_candle_values(&symbol, &exact, &t->rows[i]);
        t->rows[i].open_time = open;
        t->kind[i] = open.ms < outage->to.ms && next.ms > outage->from.ms ? TRUTH_PART : TRUTH_WHOLE;
    }
    candle_gen_free(g);
}

static size_t truth_slot(const Truth *t, Time at) { /* n: not a time of this table */
    int64_t step = timeframe_ms(t->key.timeframe), ms = at.ms - t->from.ms;
    return ms < 0 || ms % step || ms / step >= (int64_t)t->n ? t->n : (size_t)(ms / step);
}

/* A row that says it has closed. */
static int check_closed_row(const Truth *t, const Candle *c, Words words) {
    size_t i = truth_slot(t, c->open_time);
    if (i == t->n || t->kind[i] == TRUTH_NONE)
        return row_wrong(&t->key, c->open_time, "the exchange has no such candle", words);
    if (t->kind[i] == TRUTH_WHOLE && !candle_same_data(c, &t->rows[i]))
        return row_wrong(&t->key, c->open_time, "the candle is not the exchange's", words);
    return 0;
}

static int check_rows(const Truth *t, const Candles *rows, Time now, Words words) {
    for (size_t i = 0; i < rows->n; i++) {
        Candle c = candles_get(rows, i);
        Time next = timeframe_next(t->key.timeframe, c.open_time);
        if (!(c.flags & CANDLE_SIMULATED))
            return row_wrong(&t->key, c.open_time, "a simulated candle without its flag", words);
        if (time_before(now, c.open_time))
            return row_wrong(&t->key, c.open_time, "a candle of the future", words);
        if (c.flags & CANDLE_OPEN)
            continue; /* as it was when it was fetched */
        if (time_before(now, next))
            return row_wrong(&t->key, c.open_time, "an open candle without its flag", words);
        if (check_closed_row(t, &c, words))
            return -1;
    }
    return 0;
}

/* Grid times of [from, to) where the exchange has a candle and `rows` has none that closed. */
static int check_nothing_missing(const Truth *t, const Candles *rows, Time from, Time to, Words words) {
    size_t at = candles_lower_bound(rows, from);
    for (size_t i = 0; i < t->n; i++) {
        Time open = timeframe_step(t->key.timeframe, t->from, (int64_t)i);
        if (time_before(open, from) || !time_before(open, to) || t->kind[i] == TRUTH_NONE)
            continue;
        while (at < rows->n && rows->open_ms[at] < open.ms)
            at++;
        if (at == rows->n || rows->open_ms[at] != open.ms)
            return row_wrong(&t->key, open, "covered, but the exchange's candle is missing", words);
        if (rows->flags[at] & CANDLE_OPEN)
            return row_wrong(&t->key, open, "covered, but the candle is stored as it was before it closed", words);
    }
    return 0;
}

int truth_check(const Truth *t, CandleStore *store, Ctx *cx, Time now, Words words) {
    Candles rows;
    Coverage *cover = NULL;
    size_t n = 0;
    if (read_all(store, cx, &t->key, TIME_MIN, TIME_MAX, &rows, words) || check_rows(t, &rows, now, words))
        return -1;
    int r = candle_store_coverage(store, cx, &t->key, TIME_MIN, TIME_MAX, &cover, &n);
    if (r < 0)
        return words_set(words, "coverage of %s: %s", t->key.symbol.s, cx->err.text);
    for (size_t i = 0; i < (r == 0 ? n : 0); i++) {
        if (time_before(timeframe_floor(t->key.timeframe, now), cover[i].to))
            return row_wrong(&t->key, cover[i].to, "coverage of what has not closed", words);
        if (check_nothing_missing(t, &rows, cover[i].from, cover[i].to, words))
            return -1;
    }
    return 0;
}

int truth_check_whole(const Truth *t, CandleStore *store, Ctx *cx, Time from, Time to, Words words) {
    Candles rows;
    if (read_all(store, cx, &t->key, from, to, &rows, words) || check_nothing_missing(t, &rows, from, to, words))
        return -1;
    for (size_t i = 0; i < rows.n; i++) {
        Candle c = candles_get(&rows, i);
        if (c.flags != CANDLE_SIMULATED)
            return row_wrong(&t->key, c.open_time, "flags other than simulated", words);
        if (check_closed_row(t, &c, words))
            return -1;
    }
    return 0;
}

/* --- a client's saves --- */

enum { VERSION_UNIT = 10000 }; /* more than there are slots */

static Candle ledger_row(const Ledger *l, int slot, int version) {
    double price = (double)(version * VERSION_UNIT + slot) / 4;
    return (Candle){ .open_time = timeframe_step(l->key.timeframe, l->from, slot),
                     .open = price,
                     .high = price + 0.5,
                     .low = price - 0.125,
                     .close = price + 0.1,
                     .volume = version };
}

void ledger_init(Ledger *l, const SeriesKey *key, Time from) {
    *l = (Ledger){ .key = *key, .from = from };
}

bool ledger_draw(Ledger *l, Rng *rng, Arena *arena, Candles *rows) {
    if (l->n == LEDGER_SAVES)
        return false;
    LedgerSave *s = &l->saves[++l->n];
    s->first = (int)rng_below(rng, LEDGER_SLOTS);
    s->n = 1 + (int)rng_below(rng, rng_chance(rng, 0.5) ? 5 : 400);
    s->n = MIN(s->n, LEDGER_SLOTS - s->first);
    candles_init(rows, arena, (size_t)s->n);
    bool backwards = rng_chance(rng, 0.2); /* clients need not sort */
    for (int i = 0; i < s->n; i++) {
        Candle c = ledger_row(l, s->first + (backwards ? s->n - 1 - i : i), l->n);
        candles_push(rows, &c);
    }
    return true;
}

static void ledger_mark(const LedgerSave *s, int version, int *of) {
    for (int i = s->first; i < s->first + s->n; i++)
        of[i] = MAX(of[i], version);
}

void ledger_acked(Ledger *l, bool durable) {
    ledger_mark(&l->saves[l->n], l->n, l->acked);
    if (durable)
        ledger_mark(&l->saves[l->n], l->n, l->durable);
}

/* Which save each stored row is of. */
static int ledger_versions(const Ledger *l, const Candles *rows, int *of, Words words) {
    for (size_t i = 0; i < rows->n; i++) {
        Candle c = candles_get(rows, i);
        int64_t slot = (c.open_time.ms - l->from.ms) / timeframe_ms(l->key.timeframe);
        int version = (int)c.volume;
        if (slot < 0 || slot >= LEDGER_SLOTS || version < 1 || version > l->n)
            return row_wrong(&l->key, c.open_time, "a candle that nobody saved", words);
        Candle want = ledger_row(l, (int)slot, version);
        const LedgerSave *s = &l->saves[version];
        if (!candle_same_data(&c, &want) || c.flags || slot < s->first || slot >= s->first + s->n)
            return row_wrong(&l->key, c.open_time, "not the bits that were saved", words);
        of[slot] = version;
    }
    return 0;
}

/* A save of which a row is there must be there as a whole, but for what later ones replaced. */
static int ledger_whole(const Ledger *l, const int *of, Words words) {
    for (int slot = 0; slot < LEDGER_SLOTS; slot++) {
        const LedgerSave *s = &l->saves[of[slot]];
        if (slot > s->first && of[slot - 1] == of[slot])
            continue; /* looked at */
        for (int i = s->first; i < s->first + s->n; i++)
            if (of[i] < of[slot])
                return row_wrong(&l->key, timeframe_step(l->key.timeframe, l->from, i), "half of a save", words);
    }
    return 0;
}

int ledger_check(Ledger *l, CandleStore *store, Ctx *cx, bool after_cut, Words words) {
    Candles rows;
    int *of = arena_new_n(cx->arena, int, LEDGER_SLOTS);
    const int *least = after_cut ? l->durable : l->acked;
    if (read_all(store, cx, &l->key, TIME_MIN, TIME_MAX, &rows, words) || ledger_versions(l, &rows, of, words) ||
        ledger_whole(l, of, words))
        return -1;
    for (int i = 0; i < LEDGER_SLOTS; i++)
        if (of[i] < least[i])
            return row_wrong(&l->key, timeframe_step(l->key.timeframe, l->from, i),
                             after_cut ? "a durable save was answered and is lost" : "a save was answered and is lost",
                             words);
    if (after_cut)
        for (int i = 0; i < LEDGER_SLOTS; i++)
            l->acked[i] = l->durable[i] = of[i];
    return 0;
}
