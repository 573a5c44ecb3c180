/* api/market/report.c - handlers of statistics, gaps and quality. */

#include "api/market/handlers.h"

#include <math.h>

static Distribution distribution(const Moments *m, double sum) {
    return (Distribution){ .n = m->n,
                           .min = m->n ? m->min : NAN,
                           .max = m->n ? m->max : NAN,
                           .mean = moments_mean(m),
                           .std = moments_std_sample(m),
                           .sum = sum };
}

int market_api_statistics(void *role, Ctx *cx, const void *in_, void *out_) {
    const SeriesQuery *in = in_;
    OHLCVStats *out = out_;
    SeriesKey key;
    Time from, to;
    SeriesInfo series;
    CandleStats s;
    int r = ASK(cx, in, &key, &from, &to);
    if (r == 0)
        r = market_api_outcome(cx, &key, market_statistics(role, cx, &key, from, to, &series, &s));
    if (r != 0)
        return r;

    PUT_KEY(cx, &series.key, out);
    out->simulated = str_eq(venue_str(&series.key.provider), S("sim"));
    out->count = s.n;
    out->completeness_percent = candle_stats_completeness(&s);
    out->vwap = candle_stats_vwap(&s);
    out->close = distribution(&s.close, moments_mean(&s.close) * (double)s.close.n);
    out->volume = distribution(&s.volume, candle_stats_volume(&s));
    out->returns = distribution(&s.returns, moments_mean(&s.returns) * (double)s.returns.n);
    out->first_open = out->last_close = out->change_percent = NAN;
    if (s.n) {
        Timeframe tf = series.key.timeframe;
        out->expected = timeframe_count(tf, timeframe_floor(tf, s.first), timeframe_next(tf, s.last));
        out->first = s.first;
        out->last = s.last;
        out->first_open = s.first_open;
        out->last_close = s.last_close;
        out->change_percent = (s.last_close / s.first_open - 1) * 100;
        out->highest = s.highest;
        out->lowest = s.lowest;
    }
    return 0;
}

void market_api_gap_report(Ctx *cx, const MarketGaps *g, GapReport *out) {
    GapRow *rows = arena_new_n(cx->arena, GapRow, g->gaps.n);
    for (size_t i = 0; i < g->gaps.n; i++)
        rows[i] = (GapRow){ .from = g->gaps.v[i].from,
                            .to = g->gaps.v[i].to,
                            .missing = g->gaps.v[i].missing,
                            .class_name = str_c(gap_class_name(g->gaps.v[i].cls)),
                            .evidence = str_c(g->gaps.v[i].evidence) };
    PUT_KEY(cx, &g->series.key, out);
    out->gaps = g->n_gaps;
    out->missing = g->missing;
    out->expected = g->expected;
    out->completeness_percent = g->completeness_percent;
    out->unknown = g->by_class[GAP_UNKNOWN];
    out->no_trade = g->by_class[GAP_NO_TRADE];
    out->venue_down = g->by_class[GAP_VENUE_DOWN];
    out->market_closed = g->by_class[GAP_MARKET_CLOSED];
    out->not_fetched = g->by_class[GAP_NOT_FETCHED];
    out->closed = g->closed;
    out->synthetic = g->synthetic;
    out->calendar = g->calendar ? str_c(g->calendar->name) : (Str){ 0 };
    out->items = (List){ rows, g->gaps.n };
    out->truncated = g->n_gaps > (int64_t)g->gaps.n;
}

int market_api_gaps(void *role, Ctx *cx, const void *in_, void *out_) {
    const GapsQuery *in = in_;
    GapReport *out = out_;
    SeriesKey key;
    Time from, to;
    MarketGaps g;
    int r = ASK(cx, in, &key, &from, &to);
    if (r == 0)
        r = market_api_outcome(
            cx, &key,
            market_gaps(role, cx,
                        &(MarketGapQuery){
                            .key = &key, .from = from, .to = to, .most = (size_t)in->limit, .closed = in->closed },
                        &g));
    if (r != 0)
        return r;

    market_api_gap_report(cx, &g, out);
    return 0;
}

int market_api_completeness(void *role, Ctx *cx, const void *in_, void *out) {
    const CompletenessQuery *in = in_;
    SeriesKey key;
    Time from, to;
    MarketGaps g;
    int r = ASK(cx, in, &key, &from, &to);
    if (r != 0)
        return r;
    MarketGapQuery q = { .key = &key,
                         .from = from,
                         .to = to,
                         .most = (size_t)in->limit,
                         .closed = in->closed,
                         .whole = true,
                         .skip_synthetic = in->real_only };
    r = market_api_outcome(cx, &key, market_gaps(role, cx, &q, &g));
    if (r == 0)
        market_api_gap_report(cx, &g, out);
    return r;
}

static Str finding_words(Ctx *cx, QualityKind kind, const QualityFinding *f) {
    switch (kind) {
    case QUALITY_STALE:
        return str_fmt(cx->arena, "%lld flat candles at %.10g", (long long)f->n, f->value);
    case QUALITY_ZERO_VOLUME:
        return str_fmt(cx->arena, "%lld candles without volume", (long long)f->n);
    case QUALITY_OUTLIER:
        return str_fmt(cx->arena, "one close %+.2f %% off, then back", (exp(f->value) - 1) * 100);
    case QUALITY_JUMP:
        return str_fmt(cx->arena, "the price jumps %+.2f %% and stays", (exp(f->value) - 1) * 100);
    case QUALITY_DUPLICATE:
        return str_fmt(cx->arena, "%lld rows with one open time", (long long)f->n);
    case QUALITY_OHLC:
        return str_fmt(cx->arena, "%lld rows that are no candles", (long long)f->n);
    default:
        return str_fmt(cx->arena, "%lld candles that repeat the one before", (long long)f->n);
    }
}

int market_api_quality(void *role, Ctx *cx, const void *in_, void *out_) {
    const GapsQuery *in = in_;
    QualityResponse *out = out_;
    SeriesKey key;
    Time from, to;
    SeriesInfo series;
    const QualityReport *q;
    int r = ASK(cx, in, &key, &from, &to);
    if (r == 0)
        r = market_api_outcome(cx, &key, market_quality(role, cx, &key, from, to, &series, &q));
    if (r != 0)
        return r;

    QualityItem *rows = arena_new_n(cx->arena, QualityItem, QUALITY_KINDS * QUALITY_PLACES);
    size_t n = 0;
    for (int kind = 0; kind < QUALITY_KINDS; kind++) {
        out->findings += q->n_findings[kind];
        for (int64_t i = 0; i < MIN(q->n_findings[kind], QUALITY_PLACES) && (int64_t)n < in->limit; i++) {
            const QualityFinding *f = &q->places[kind][i];
            rows[n++] = (QualityItem){ .check = str_c(quality_kind_name((QualityKind)kind)),
                                       .from = f->from,
                                       .to = f->to,
                                       .count = f->n,
                                       .value = f->value,
                                       .words = finding_words(cx, (QualityKind)kind, f) };
        }
    }
    PUT_KEY(cx, &series.key, out);
    out->candles = q->n_candles;
    out->items = (List){ rows, n };
    out->truncated = out->findings > (int64_t)n;
    return 0;
}
