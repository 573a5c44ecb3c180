/* api/market/complete.c - handlers of filling, resampling, comparing, retention and corporate actions. */

#include "api/market/handlers.h"

#include "base/num.h"

#include <math.h>

static Str fill_words(Ctx *cx, const MarketFilled *f, bool dry_run) {
    int64_t left = f->too_long + f->not_fetched + f->no_donor + f->disagree;
    return str_fmt(cx->arena, "%lld gaps with %lld candles missing; %s %lld candles in %lld of them, %lld stay",
                   (long long)f->gaps, (long long)f->missing, dry_run ? "would fill" : "filled", (long long)f->filled,
                   (long long)f->filled_gaps, (long long)left);
}

int market_api_fill(void *role, Ctx *cx, const void *in_, void *out_) {
    const FillRequest *in = in_;
    FillResponse *out = out_;
    SeriesKey key, donor;
    MarketFill req = { .key = &key,
                       .max_bps = in->max_bps,
                       .max_gap = in->max_gap,
                       .not_fetched = in->not_fetched,
                       .dry_run = in->dry_run };
    MarketFilled f;
    int r = ASK(cx, in, &key, &req.from, &req.to);
    if (r == 0 && !fill_method_parse(in->method, &req.method))
        r = err_set_at(cx, ERR_INVALID, S("method"), "'" STR_FMT "' is no way to fill", STR_ARG(in->method));
    if (r == 0 && req.method == FILL_VENUE) {
        if (!in->donor_exchange.n)
            return err_set_at(cx, ERR_INVALID, S("donor_exchange"), "method venue needs the venue to take from");
        r = market_api_key(cx, in->donor_exchange, in->donor_symbol.n ? in->donor_symbol : in->symbol, in->timeframe,
                           in->donor_provider, &donor);
        req.donor = &donor;
    }
    if (r == 0)
        r = market_api_outcome(cx, &key, market_fill(role, cx, &req, &f));
    if (r != 0)
        return r;
    PUT_KEY(cx, &f.series.key, out);
    out->success = f.too_long + f.not_fetched + f.no_donor + f.disagree == 0;
    out->message = fill_words(cx, &f, in->dry_run);
    out->method = str_c(fill_method_name(req.method));
    out->dry_run = in->dry_run;
    out->gaps = f.gaps;
    out->missing = f.missing;
    out->filled_gaps = f.filled_gaps;
    out->filled = f.filled;
    out->too_long = f.too_long;
    out->not_fetched = f.not_fetched;
    out->no_donor = f.no_donor;
    out->disagree = f.disagree;
    out->worst_bps = f.worst_bps;
    out->revision = f.revision;
    return 0;
}

int market_api_unfill(void *role, Ctx *cx, const void *in_, void *out_) {
    const SeriesQuery *in = in_;
    RemoveResponse *out = out_;
    SeriesKey key;
    Time from, to;
    int r = ASK(cx, in, &key, &from, &to);
    if (r == 0)
        r = market_api_outcome(cx, &key, market_unfill(role, cx, &key, from, to, &out->removed));
    out->success = r == 0;
    return r;
}

/* --- resample --- */

static int resample(void *role, Ctx *cx, const ResampleRequest *in, bool save, MarketPage *page, MarketSaved *saved) {
    SeriesKey key;
    MarketResample req = { .key = &key, .limit = save ? 0 : (size_t)in->limit, .session = in->session, .save = save };
    int r = ASK(cx, in, &key, &req.from, &req.until);
    if (r == 0 && !timeframe_parse(in->to, &req.to))
        r = err_set_at(cx, ERR_INVALID, S("to"), "'" STR_FMT "' is not a timeframe", STR_ARG(in->to));
    return r == 0 ? market_api_outcome(cx, &key, market_resample(role, cx, &req, page, saved)) : r;
}

int market_api_resample(void *role, Ctx *cx, const void *in_, void *out_) {
    const ResampleRequest *in = in_;
    CandlePage *out = out_;
    MarketPage page;
    int r = resample(role, cx, in, false, &page, NULL);
    if (r != 0)
        return r;
    PUT_KEY(cx, &page.series.key, out);
    out->derived_from = out->timeframe;
    out->timeframe = in->to;
    out->count = (int64_t)page.rows.n;
    out->revision = page.series.revision;
    out->more = page.more;
    out->next_start = page.next;
    out->simulated = page.simulated;
    out->candles = page.rows;
    return 0;
}

int market_api_resample_save(void *role, Ctx *cx, const void *in, void *out) {
    MarketPage page;
    MarketSaved saved;
    int r = resample(role, cx, in, true, &page, &saved);
    if (r == 0)
        *(SaveResponse *)out = (SaveResponse){ .success = true,
                                               .received = saved.received,
                                               .inserted = saved.inserted,
                                               .updated = saved.updated,
                                               .unchanged = saved.unchanged,
                                               .kept_real = saved.kept_real,
                                               .warnings = saved.warnings,
                                               .revision = saved.revision };
    return r;
}

/* --- compare --- */

int market_api_compare(void *role, Ctx *cx, const void *in_, void *out_) {
    const CompareQuery *in = in_;
    CompareReport *out = out_;
    SeriesKey first, second;
    Time from, to;
    MarketCompared c;
    int r = ASK(cx, in, &first, &from, &to);
    if (r == 0)
        r = market_api_key(cx, in->other_exchange.n ? in->other_exchange : in->exchange,
                           in->other_symbol.n ? in->other_symbol : in->symbol, in->timeframe, in->other_provider,
                           &second);
    if (r == 0)
        r = market_api_outcome(cx, &first, market_compare(role, cx, &first, &second, from, to, in->threshold_bps, &c));
    if (r != 0)
        return r;
    const Disagreement *d = &c.d;
    size_t n = (size_t)MIN(d->n_runs, DISAGREE_PLACES);
    DisagreeRow *rows = arena_new_n(cx->arena, DisagreeRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = (DisagreeRow){ d->places[i].from, d->places[i].to, d->places[i].n, d->places[i].worst_bps,
                                 d->places[i].worst_at };
    *out = (CompareReport){ .first = series_key_text(cx->arena, &c.first.key),
                            .second = series_key_text(cx->arena, &c.second.key),
                            .threshold_bps = in->threshold_bps,
                            .compared = d->n_compared,
                            .only_first = d->only_first,
                            .only_second = d->only_second,
                            .over = d->n_over,
                            .runs = d->n_runs,
                            .mean_bps = d->n_compared ? d->sum_bps / (double)d->n_compared : NAN,
                            .mean_abs_bps = d->n_compared ? d->sum_abs_bps / (double)d->n_compared : NAN,
                            .worst_bps = d->worst_bps,
                            .worst_at = d->worst_at,
                            .items = { rows, n } };
    return 0;
}

/* --- retention --- */

int market_api_retention(void *role, Ctx *cx, const void *in_, void *out_) {
    enum { RULES_MAX = 32 };
    const RetentionRequest *in = in_;
    RetentionReport *out = out_;
    RetentionRule rules[RULES_MAX];
    RetentionRow *v;
    size_t n_rules, n;
    int r = retention_parse(cx, in->rules, rules, RULES_MAX, &n_rules);
    if (r == 0)
        r = market_retain(role, cx, rules, n_rules, !in->apply, in->force, &v, &n);
    if (r != 0)
        return r;
    RetentionLine *lines = arena_new_n(cx->arena, RetentionLine, n);
    for (size_t i = 0; i < n; i++) {
        lines[i] = (RetentionLine){ series_key_text(cx->arena, &v[i].series.key), v[i].before, v[i].old, v[i].removed,
                                    v[i].kept };
        out->old += v[i].old;
        out->removed += v[i].removed;
    }
    out->dry_run = !in->apply;
    out->series = (List){ lines, n };
    return 0;
}

/* --- corporate actions --- */

static int list_actions(void *role, Ctx *cx, Str instrument, ActionList *out) {
    Symbol symbol;
    CorporateAction *v;
    size_t n;
    if (instrument.n && !symbol_parse(instrument, &symbol))
        return err_set_at(cx, ERR_INVALID, S("instrument"), "'" STR_FMT "' is not a symbol", STR_ARG(instrument));
    int r = candle_store_actions(market_store(role), cx, instrument.n ? &symbol : NULL, &v, &n);
    if (r != 0)
        return r;
    ActionRow *rows = arena_new_n(cx->arena, ActionRow, n);
    for (size_t i = 0; i < n; i++) {
        char *text = arena_alloc(cx->arena, NUM_TEXT_MAX);
        rows[i] = (ActionRow){ .instrument = str_dup(cx->arena, symbol_str(&v[i].instrument)),
                               .ex = v[i].ex,
                               .kind = str_c(action_kind_name(v[i].kind)),
                               .value = str_n(text, decimal_format(v[i].value, text)) };
    }
    *out = (ActionList){ (int64_t)n, { rows, n } };
    return 0;
}

int market_api_actions(void *role, Ctx *cx, const void *in, void *out) {
    return list_actions(role, cx, ((const ActionsQuery *)in)->instrument, out);
}

int market_api_put_actions(void *role, Ctx *cx, const void *in_, void *out) {
    const ActionsPut *in = in_;
    const ActionRow *rows = in->actions.v;
    CorporateAction *v = arena_new_n(cx->arena, CorporateAction, in->actions.n);
    for (size_t i = 0; i < in->actions.n; i++) {
        Str field = str_fmt(cx->arena, "actions[%zu]", i);
        v[i] = (CorporateAction){ .ex = rows[i].ex, .known_at = clock_wall(cx->clock) };
        if (!symbol_parse(rows[i].instrument, &v[i].instrument) || !action_kind_parse(rows[i].kind, &v[i].kind))
            return err_set_at(cx, ERR_INVALID, field, "this is no action of an instrument");
        if (!decimal_parse(rows[i].value, &v[i].value) || v[i].value.mantissa <= 0)
            return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "actions[%zu].value", i),
                              "'" STR_FMT "' is no decimal above 0", STR_ARG(str_first(rows[i].value, 32)));
    }
    int r = candle_store_put_actions(market_store(role), cx, v, in->actions.n, in->remove);
    return r == 0 ? list_actions(role, cx, (Str){ 0 }, out) : r;
}
