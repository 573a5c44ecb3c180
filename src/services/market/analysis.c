/* services/market/analysis.c - what may be said of a stored series: statistics, gaps with their evidence, quality. */

#include "services/market/internal.h"

#include "base/vec.h"
#include "core/calendar.h"
#include "services/market/complete.h"

#include <math.h>

/* --- statistics (MDS-10) --- */

static int add_stats(void *arg, const Candles *rows) {
    candle_stats_add(arg, rows);
    return 0;
}

int market_statistics(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, SeriesInfo *series,
                      CandleStats *out) {
    int r = market_resolve(m, cx, key, series);
    if (r != 0)
        return r;
    candle_stats_init(out, series->key.timeframe);
    return market_each_piece(m, cx, &series->key, from, to, add_stats, out);
}

/* --- gaps --- */

typedef struct GapScan {
    const MarketGapQuery *q;
    Timeframe tf;
    Arena *arena;  /* of the gaps kept */
    Arena scratch; /* of the ones only counted */
    Time last;
    Time first, end; /* grid: first candle, behind the last one; only where any */
    int64_t n_cells;
    MarketGaps *out;
} GapScan;

static void count_gaps(GapScan *s, GapList *list, size_t had, Arena *arena) {
    int64_t missing = 0, closed = 0;
    for (size_t i = had; i < list->n; i++)
        missing += list->v[i].missing;
    if (s->out->calendar)
        closed = gaps_split(list, had, s->tf, s->out->calendar, s->q->closed, arena);
    s->out->closed += closed;
    s->out->missing += missing - closed;
    s->out->n_gaps += (int64_t)(list->n - had);
}

static int scan_piece(void *arg, const Candles *rows) {
    GapScan *s = arg;
    bool keep = s->out->gaps.n < s->q->most;
    GapList spare = { 0 };
    GapList *list = keep ? &s->out->gaps : &spare;
    Arena *arena = keep ? s->arena : &s->scratch;
    size_t had = list->n;
    gaps_find_next(rows, s->tf, s->q->skip_synthetic, arena, &s->last, list);
    count_gaps(s, list, had, arena);
    s->out->gaps.n = MIN(s->out->gaps.n, s->q->most);
    for (size_t i = 0; i < rows->n; i++) {
        bool synthetic = rows->flags[i] & CANDLE_SYNTHETIC;
        s->out->synthetic += synthetic;
        if (synthetic && s->q->skip_synthetic)
            continue;
        Time cell = timeframe_floor(s->tf, time_ms(rows->open_ms[i]));
        if (s->n_cells == 0)
            s->first = cell;
        if (s->n_cells == 0 || !time_before(cell, s->end)) {
            s->n_cells++;
            s->end = timeframe_next(s->tf, cell);
        }
    }
    arena_reset(&s->scratch);
    return 0;
}

/* Enough to testify, and few enough that 10,000 gaps stay within an operation's deadline: a gap costs three short reads
 * a peer at the worst. */
enum { PEERS_MAX = 4, INSIDE_MAX = 1 << 16 };

typedef struct Peers { /* other symbols of the venue in the same timeframe, those with the most candles first */
    SeriesInfo series[PEERS_MAX];
    size_t n;
} Peers;

static void peers_add(Peers *p, const SeriesInfo *s) {
    size_t at = p->n;
    while (at > 0 && p->series[at - 1].n < s->n)
        at--;
    if (at == PEERS_MAX)
        return;
    p->n = MIN(p->n + 1, (size_t)PEERS_MAX);
    memmove(&p->series[at + 1], &p->series[at], (p->n - at - 1) * sizeof *s);
    p->series[at] = *s;
}

static int find_peers(MarketService *m, Ctx *cx, const SeriesKey *key, Peers *out) {
    SeriesInfo *all;
    size_t n;
    int r = candle_store_list(m->o.store, cx, &all, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        SeriesKey other = all[i].key;
        bool same = symbol_eq(other.symbol, key->symbol);
        other.symbol = key->symbol;
        if (!same && series_key_eq(&other, key) && all[i].n)
            peers_add(out, &all[i]);
    }
    return r;
}

/* The peer's candles that bear on the gap: its last one before, all inside, its first one behind. */
static int read_around(MarketService *m, Ctx *cx, const SeriesInfo *peer, const Gap *gap, Candles *out, bool *trades) {
    enum { BEFORE, INSIDE, BEHIND, PARTS };
    const CandleQuery queries[PARTS] = {
        [BEFORE] = { .from = TIME_MIN, .to = gap->from, .limit = 1, .newest = true },
        [INSIDE] = { .from = gap->from, .to = gap->to, .limit = INSIDE_MAX, .skip_synthetic = true },
        [BEHIND] = { .from = gap->to, .to = TIME_MAX, .limit = 1 },
    };
    Candles parts[PARTS] = { 0 };
    size_t n = 0;
    for (int i = 0; i < PARTS; i++) {
        bool more;
        int r = candle_store_read(m->o.store, cx, &peer->key, &queries[i], &parts[i], &more);
        if (r < 0)
            return r;
        n += parts[i].n;
    }
    candles_init(out, cx->arena, n);
    for (int i = 0; i < PARTS; i++)
        candles_append(out, &parts[i], 0, parts[i].n);
    *trades = parts[BEFORE].n && parts[INSIDE].n && parts[BEHIND].n;
    return 0;
}

static void classify_with(Gap *gap, Timeframe tf, GapEvidence *ev, const Candles *rows, const Symbol *symbols,
                          size_t n) {
    ev->peers = rows;
    ev->peer_symbols = symbols;
    ev->n_peers = n;
    gaps_classify(&(GapList){ gap, 1, 1 }, tf, ev);
    ev->peers = NULL;
    ev->peer_symbols = NULL;
    ev->n_peers = 0;
}

static int classify_one(MarketService *m, Ctx *cx, const Peers *peers, Timeframe tf, GapEvidence *ev, Gap *gap) {
    Candles rows[PEERS_MAX] = { 0 };
    Symbol symbols[PEERS_MAX];
    size_t n = 0;
    bool trades = false;
    classify_with(gap, tf, ev, NULL, NULL, 0);
    if (gap->cls != GAP_UNKNOWN)
        return 0; /* known without witnesses */
    for (size_t i = 0; i < peers->n && !trades; i++) {
        const SeriesInfo *peer = &peers->series[i];
        if (!time_before(peer->first, gap->from) || time_before(peer->last, gap->to))
            continue; /* one that does not reach over the gap says nothing about it */
        int r = read_around(m, cx, peer, gap, &rows[n], &trades);
        if (r != 0)
            return r;
        symbols[n++] = peer->key.symbol;
    }
    classify_with(gap, tf, ev, rows, symbols, n);
    return 0;
}

static int classify(MarketService *m, Ctx *cx, const SeriesInfo *series, const Calendar *calendar, GapList *gaps) {
    if (gaps->n == 0)
        return 0;
    Coverage *cover = NULL;
    size_t n_cover = 0;
    Peers peers = { 0 };
    GapEvidence ev = { 0 };
    int r = candle_store_coverage(m->o.store, cx, &series->key, TIME_MIN, TIME_MAX, &cover, &n_cover);
    if (r >= 0)
        r = find_peers(m, cx, &series->key, &peers);
    if (r != 0)
        return r;
    ev.calendar = calendar;
    ev.cover = cover;
    ev.n_cover = n_cover;
    ev.cover_known = n_cover > 0;

    Arena scratch = { 0 };
    Ctx inner = *cx;
    inner.arena = &scratch;
    for (size_t i = 0; r == 0 && i < gaps->n; i++) {
        r = classify_one(m, &inner, &peers, series->key.timeframe, &ev, &gaps->v[i]);
        arena_reset(&scratch);
        if (r == 0 && i % 256 == 0)
            r = ctx_check(&inner);
    }
    if (r < 0)
        cx->err = inner.err;
    arena_done(&scratch);
    return r;
}

/* The ends of a range that is wanted whole: a hole there has a neighbour on one side only. */
static void scan_ends(GapScan *s, Time from, Time to) {
    if (s->n_cells == 0)
        s->end = from;
    if (time_before(s->end, to)) {
        GapList spare = { 0 };
        GapList *list = s->out->gaps.n < s->q->most ? &s->out->gaps : &spare;
        Gap gap = { .from = s->end, .to = to, .missing = timeframe_count(s->tf, s->end, to) };
        vec_push_in(s->arena, list, gap);
        count_gaps(s, list, list->n - 1, s->arena);
        s->out->gaps.n = MIN(s->out->gaps.n, s->q->most);
    }
    s->first = from;
    s->end = to;
}

static double share_percent(int64_t expected, int64_t missing) {
    return expected > 0 ? 100.0 * (double)(expected - missing) / (double)expected : NAN;
}

int market_gaps(MarketService *m, Ctx *cx, const MarketGapQuery *q, MarketGaps *out) {
    MarketGaps g = { 0 };
    int r = market_resolve(m, cx, q->key, &g.series);
    if (r == 0)
        r = market_calendar(m, cx, &g.series.key, &g.calendar);
    if (r != 0)
        return r;
    Timeframe tf = g.series.key.timeframe;
    GapScan scan = { .q = q, .tf = tf, .arena = cx->arena, .last = TIME_MIN, .out = &g };
    Time from = q->from, to = q->to;
    if (q->whole) {
        assert(q->from.ms != INT64_MIN && q->to.ms != INT64_MAX);
        from = timeframe_on_grid(tf, from) ? from : timeframe_next(tf, from);
        to = timeframe_on_grid(tf, to) ? to : timeframe_next(tf, to);
        scan.last = timeframe_step(tf, from, -1); /* as if the candle before the range were there */
    }
    r = market_each_piece(m, cx, &g.series.key, q->from, q->to, scan_piece, &scan);
    arena_done(&scan.scratch);
    if (r == 0 && q->whole)
        scan_ends(&scan, from, to);
    if (r == 0)
        r = classify(m, cx, &g.series, g.calendar, &g.gaps);
    if (r != 0)
        return r;
    for (size_t i = 0; i < g.gaps.n; i++)
        g.by_class[g.gaps.v[i].cls]++;
    if (scan.n_cells || q->whole)
        g.expected = g.calendar ? calendar_count(g.calendar, tf, scan.first, scan.end)
                                : timeframe_count(tf, scan.first, scan.end);
    g.completeness_percent = share_percent(g.expected, g.missing);
    *out = g;
    return 0;
}

/* --- quality (MDS-13) --- */

static int add_quality(void *arg, const Candles *rows) {
    quality_add(arg, rows);
    return 0;
}

int market_quality(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, SeriesInfo *series,
                   const QualityReport **out) {
    int r = market_resolve(m, cx, key, series);
    if (r != 0)
        return r;
    QualityCheck *check = arena_new(cx->arena, QualityCheck);
    quality_init(check, cx->arena, &(QualityOptions){ 0 });
    r = market_each_piece(m, cx, &series->key, from, to, add_quality, check);
    if (r == 0)
        *out = quality_finish(check);
    return r;
}
