/* services/market/analysis.c - what may be said of a stored series: statistics, gaps with their evidence, quality. */

#include "services/market/internal.h"

#include "core/calendar.h"

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
    Timeframe tf;
    Arena *arena;  /* of the gaps kept */
    Arena scratch; /* of the ones only counted */
    Time last;
    size_t most;
    CandleStats span;
    MarketGaps *out;
} GapScan;

static int scan_piece(void *arg, const Candles *rows) {
    GapScan *s = arg;
    bool keep = s->out->gaps.n < s->most;
    GapList spare = { 0 };
    GapList *list = keep ? &s->out->gaps : &spare;
    size_t had = list->n;
    s->out->missing += gaps_find_next(rows, s->tf, false, keep ? s->arena : &s->scratch, &s->last, list);
    s->out->n_gaps += (int64_t)(list->n - had);
    s->out->gaps.n = MIN(s->out->gaps.n, s->most);
    candle_stats_add(&s->span, rows);
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

/* The calendar that the venue's listing names; none where the instrument is not known. */
static int find_calendar(MarketService *m, Ctx *cx, const SeriesKey *key, const Calendar **out) {
    Listing *v;
    size_t n;
    int r = candle_store_listings(m->o.store, cx, &key->venue, &v, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (symbol_eq(v[i].symbol, key->symbol) && v[i].calendar[0])
            *out = calendar_find(str_c(v[i].calendar));
    return r;
}

static int classify(MarketService *m, Ctx *cx, const SeriesInfo *series, GapList *gaps) {
    if (gaps->n == 0)
        return 0;
    Coverage *cover = NULL;
    size_t n_cover = 0;
    Peers peers = { 0 };
    GapEvidence ev = { 0 };
    int r = candle_store_coverage(m->o.store, cx, &series->key, TIME_MIN, TIME_MAX, &cover, &n_cover);
    if (r >= 0)
        r = find_peers(m, cx, &series->key, &peers);
    if (r == 0)
        r = find_calendar(m, cx, &series->key, &ev.calendar);
    if (r != 0)
        return r;
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

int market_gaps(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, size_t most, MarketGaps *out) {
    MarketGaps g = { 0 };
    int r = market_resolve(m, cx, key, &g.series);
    if (r != 0)
        return r;
    GapScan scan = { .tf = g.series.key.timeframe, .arena = cx->arena, .last = TIME_MIN, .most = most, .out = &g };
    candle_stats_init(&scan.span, scan.tf);
    r = market_each_piece(m, cx, &g.series.key, from, to, scan_piece, &scan);
    arena_done(&scan.scratch);
    if (r == 0)
        r = classify(m, cx, &g.series, &g.gaps);
    if (r != 0)
        return r;
    for (size_t i = 0; i < g.gaps.n; i++)
        g.by_class[g.gaps.v[i].cls]++;
    if (scan.span.n)
        g.expected = timeframe_count(scan.tf, timeframe_floor(scan.tf, scan.span.first),
                                     timeframe_next(scan.tf, scan.span.last));
    g.completeness_percent = candle_stats_completeness(&scan.span);
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
