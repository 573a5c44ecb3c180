/* golden/backtest_analyzers.c - the analyzers of a case, written in the dump's own shape and compared with it member by
 * member. What the dump does not have is not asked for; what it has and we do not know fails the case. */

#include <math.h>

#include "backtest/analyzers.h"
#include "base/json.h"
#include "golden/backtest_case.h"
#include "golden/dump_read.h"

enum { TEXT_MAX = 256 << 20 };

/* --- ours, in the dump's shape --- */

static void put_sum(JsonWriter *w, const TradeSum *s, bool with_max) {
    json_put_f64(w, "total", s->total);
    json_put_f64(w, "average", s->average);
    if (with_max)
        json_put_f64(w, "max", s->max);
}

static void put_len(JsonWriter *w, const TradeLen *l) {
    json_put_f64(w, "total", (double)l->total);
    json_put_f64(w, "average", l->average);
    json_put_f64(w, "max", (double)l->max);
    json_put_f64(w, "min", (double)l->min);
}

static void begin(JsonWriter *w, const char *key) {
    json_key(w, str_c(key));
    json_object(w);
}

static void put_len_side(JsonWriter *w, const TradeSideStats *s) {
    put_len(w, &s->len);
    begin(w, "won");
    put_len(w, &s->len_won);
    json_object_end(w);
    begin(w, "lost");
    put_len(w, &s->len_lost);
    json_object_end(w);
}

static void put_outcome(JsonWriter *w, const char *key, size_t n, const TradeSum *pnl) {
    begin(w, key);
    json_put_f64(w, "total", (double)n);
    begin(w, "pnl");
    put_sum(w, pnl, true);
    json_object_end(w);
    json_object_end(w);
}

static void put_side(JsonWriter *w, const char *key, const TradeSideStats *s) {
    begin(w, key);
    json_put_f64(w, "total", (double)s->n);
    begin(w, "pnl");
    put_sum(w, &s->pnl, false);
    begin(w, "won");
    put_sum(w, &s->pnl_won, true);
    json_object_end(w);
    begin(w, "lost");
    put_sum(w, &s->pnl_lost, true);
    json_object_end(w);
    json_object_end(w);
    json_put_f64(w, "won", (double)s->won);
    json_put_f64(w, "lost", (double)s->lost);
    json_object_end(w);
}

static void put_streak(JsonWriter *w, const char *key, size_t current, size_t longest) {
    begin(w, key);
    json_put_f64(w, "current", (double)current);
    json_put_f64(w, "longest", (double)longest);
    json_object_end(w);
}

static void put_trades(JsonWriter *w, const TradeAnalysis *t) {
    begin(w, "total");
    json_put_f64(w, "total", (double)t->n);
    json_put_f64(w, "open", (double)t->open);
    json_put_f64(w, "closed", (double)t->closed);
    json_object_end(w);
    begin(w, "streak");
    put_streak(w, "won", t->streak_won, t->streak_won_longest);
    put_streak(w, "lost", t->streak_lost, t->streak_lost_longest);
    json_object_end(w);
    begin(w, "pnl");
    begin(w, "gross");
    put_sum(w, &t->gross, false);
    json_object_end(w);
    begin(w, "net");
    put_sum(w, &t->both.pnl, false);
    json_object_end(w);
    json_object_end(w);
    put_outcome(w, "won", t->both.won, &t->both.pnl_won);
    put_outcome(w, "lost", t->both.lost, &t->both.pnl_lost);
    put_side(w, "long", &t->side[SIDE_LONG]);
    put_side(w, "short", &t->side[SIDE_SHORT]);
    begin(w, "len");
    put_len_side(w, &t->both);
    begin(w, "long");
    put_len_side(w, &t->side[SIDE_LONG]);
    json_object_end(w);
    begin(w, "short");
    put_len_side(w, &t->side[SIDE_SHORT]);
    json_object_end(w);
    json_object_end(w);
}

static void put_drawdown(JsonWriter *w, const DrawDown *d) {
    json_put_f64(w, "len", (double)d->len);
    json_put_f64(w, "drawdown", d->percent);
    json_put_f64(w, "moneydown", d->money);
    begin(w, "max");
    json_put_f64(w, "len", (double)d->max_len);
    json_put_f64(w, "drawdown", d->max_percent);
    json_put_f64(w, "moneydown", d->max_money);
    json_object_end(w);
}

static Str date_text(Arena *a, int64_t days, bool with_clock) {
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    return str_fmt(a, "%04d-%02d-%02d%s", year, month, day, with_clock ? "T00:00:00" : "");
}

/* The keys of years are dates, those of shorter periods date-times. */
static void put_returns(JsonWriter *w, Arena *a, const PeriodReturns *p, AnalyzerFrame frame) {
    for (size_t i = 0; i < p->n; i++) {
        json_key(w, date_text(a, p->key_days[i], frame != FRAME_YEARS));
        json_f64(w, p->value[i]);
    }
}

static void put_annual(JsonWriter *w, Arena *a, const PeriodReturns *p) {
    for (size_t i = 0; i < p->n; i++) {
        json_key(w, str_fmt(a, "%lld", (long long)p->key_days[i]));
        json_f64(w, p->value[i]);
    }
}

static void put_stats(JsonWriter *w, const PeriodStats *s) {
    json_put_f64(w, "average", s->average);
    json_put_f64(w, "stddev", s->stddev);
    json_put_f64(w, "positive", (double)s->positive);
    json_put_f64(w, "negative", (double)s->negative);
    json_put_f64(w, "nochange", (double)s->unchanged);
    json_put_f64(w, "best", s->best);
    json_put_f64(w, "worst", s->worst);
}

static void put_log_returns(JsonWriter *w, const LogReturns *l) {
    json_put_f64(w, "rtot", l->total);
    json_put_f64(w, "ravg", l->average);
    json_put_f64(w, "rnorm", l->normal);
    json_put_f64(w, "rnorm100", l->normal_percent);
}

/* --- names --- */

/* "_days", "_months"… anywhere in the name. */
static AnalyzerFrame frame_of(Str name, AnalyzerFrame standard) {
    static const struct {
        const char *word;
        AnalyzerFrame frame;
    } rows[] = { { "day", FRAME_DAYS }, { "week", FRAME_WEEKS }, { "month", FRAME_MONTHS }, { "year", FRAME_YEARS } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_find(name, str_c(rows[i].word)) >= 0)
            return rows[i].frame;
    return standard;
}

/* sharpe_days_annualized_rf0_sample, …_365 */
static SharpeOptions sharpe_of(Str name) {
    SharpeOptions o = sharpe_options_standard();
    Str rest = name, word;
    int64_t number;
    o.frame = frame_of(name, FRAME_YEARS);
    while (str_next(&rest, '_', &word)) {
        o.annualize = o.annualize || str_starts(word, S("annual"));
        o.sample = o.sample || str_eq(word, S("sample"));
        o.no_convert = o.no_convert || str_eq(word, S("noconvert"));
        if (str_starts(word, S("rf")) && str_to_i64(str_from(word, 2), &number))
            o.risk_free = (double)number / 100;
        else if (str_to_i64(word, &number))
            o.factor = (double)number;
    }
    return o;
}

static void put_sharpe(JsonWriter *w, const BacktestResult *r, Arena *a, Str name) {
    SharpeOptions o = sharpe_of(name);
    PeriodReturns returns;
    analyzer_time_return(r, o.frame, a, &returns);
    json_put_f64(w, "sharperatio", analyzer_sharpe(&returns, &o, a));
}

static bool put_periods(JsonWriter *w, const BacktestResult *r, Arena *a, Str name) {
    PeriodReturns returns;
    PeriodStats stats;
    TimeDrawDown down;
    AnalyzerFrame frame = frame_of(name, FRAME_YEARS);
    if (str_starts(name, S("timedrawdown"))) {
        analyzer_time_drawdown(r, frame, &down);
        json_put_f64(w, "maxdrawdown", down.max_percent);
        json_put_f64(w, "maxdrawdownperiod", (double)down.max_periods);
        return true;
    }
    analyzer_time_return(r, frame, a, &returns);
    if (str_starts(name, S("tr_"))) {
        put_returns(w, a, &returns, frame);
        return true;
    }
    analyzer_period_stats(&returns, a, &stats);
    put_stats(w, &stats);
    return str_starts(name, S("periodstats"));
}

/* false: no analyzer of that name is known */
static bool put_analyzer(JsonWriter *w, const BacktestResult *r, Arena *a, Str name) {
    const Analyzers *all = r->analyzers;
    if (str_starts(name, S("sharpe"))) {
        put_sharpe(w, r, a, name);
    } else if (str_eq(name, S("drawdown"))) {
        put_drawdown(w, &all->drawdown);
    } else if (str_eq(name, S("trades"))) {
        put_trades(w, &all->trades);
    } else if (str_eq(name, S("sqn"))) {
        json_put_f64(w, "sqn", all->sqn.sqn);
        json_put_f64(w, "trades", (double)all->sqn.n);
    } else if (str_eq(name, S("annual"))) {
        put_annual(w, a, &all->annual);
    } else if (str_starts(name, S("returns"))) {
        LogReturns returns;
        analyzer_returns(r, frame_of(name, FRAME_DAYS), &returns);
        put_log_returns(w, &returns);
    } else if (str_starts(name, S("vwr"))) {
        json_put_f64(w, "vwr", analyzer_vwr(r, frame_of(name, FRAME_DAYS), 0.2, 2, a));
    } else if (str_starts(name, S("calmar"))) {
        json_put_f64(w, "last", all->calmar.last);
        json_put_f64(w, "n", (double)all->calmar.n);
    } else {
        return put_periods(w, r, a, name);
    }
    return true;
}

/* --- comparing --- */

typedef struct Compare {
    Ctx *cx;
    CaseReport *rep;
    double scale; /* of money; ratios are compared at 1 */
} Compare;

static void compare(const Compare *c, Str path, Str got, Str want);

/* Members come in the same order more often than not: the search begins where the last one ended. */
static void compare_objects(const Compare *c, Str path, Str got, Str want) {
    Members g, w;
    if (dump_members(c->cx, got, &g) < 0 || dump_members(c->cx, want, &w) < 0) {
        case_differs(c->rep, STR_FMT ": not two objects", STR_ARG(path));
        return;
    }
    size_t at = 0;
    for (size_t i = 0; i < w.n; i++) {
        size_t tried = 0;
        while (tried < g.n && !str_eq(g.of[at].key, w.of[i].key)) {
            at = (at + 1) % g.n;
            tried++;
        }
        Str place = str_fmt(c->cx->arena, STR_FMT ".%.60s", STR_ARG(path), str_cz(c->cx->arena, w.of[i].key));
        if (tried == g.n)
            case_differs(c->rep, STR_FMT ": missing", STR_ARG(place));
        else
            compare(c, place, g.of[at].json, w.of[i].json);
    }
}

static void compare(const Compare *c, Str path, Str got, Str want) {
    double a = NAN, b = NAN;
    if (str_starts(want, S("{"))) {
        compare_objects(c, path, got, want);
        return;
    }
    bool bad = (!str_eq(got, S("null")) && dump_number(c->cx, got, &a) < 0) ||
               (!str_eq(want, S("null")) && dump_number(c->cx, want, &b) < 0);
    if (bad || !case_near(a, b, c->scale))
        case_differs(c->rep, STR_FMT ": %.17g, not %.17g", STR_ARG(path), a, b);
}

/* Of returns and ratios 1 is the size they are rounded at; of money the account is. */
static double scale_of(Str name, const BacktestResult *r) {
    return str_eq(name, S("trades")) || str_eq(name, S("drawdown")) ? r->initial_cash : 1;
}

int case_check_analyzers(Ctx *cx, CaseReport *rep, const BacktestResult *r, Str json) {
    Members m;
    int err = dump_members(cx, json, &m);
    if (err)
        return err;
    Buf out;
    buf_init(&out, TEXT_MAX);
    for (size_t i = 0; i < m.n; i++) {
        JsonWriter w;
        buf_clear(&out);
        json_writer_init(&w, &out, false);
        json_object(&w);
        bool known = put_analyzer(&w, r, cx->arena, m.of[i].key);
        json_object_end(&w);
        Compare c = { cx, rep, scale_of(m.of[i].key, r) };
        if (!known)
            case_differs(rep, "analyzer " STR_FMT " is not known here", STR_ARG(m.of[i].key));
        else
            compare(&c, m.of[i].key, str_dup(cx->arena, str_n(out.p, out.n)), m.of[i].json);
    }
    buf_done(&out);
    return 0;
}
