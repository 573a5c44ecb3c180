/* backtest/engine.c - what is checked and told once for all engines: the request, the data, the broker. */

#include "backtest/engine.h"

#include "backtest/extras.h"

#include <math.h>

#include "base/num.h"
#include "core/gap.h"

enum { MEMORY_STANDARD_SHIFT = 32 }; /* 4 GiB */

BrokerConfig broker_config_standard(void) {
    return (BrokerConfig){
        .cash = 10000,
        .commission = COMMISSION_PERCENT,
        .commission_rate = 0.001,
        .slippage = { .on_open = true, .on_limit = true, .match = true },
        .leverage = 1,
        .multiplier = 1,
    };
}

const BacktestEngine *backtest_engine_find(Str name) {
    const BacktestEngine *const *engines;
    size_t n = backtest_engines(&engines);
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(name, str_c(engines[i]->name)))
            return engines[i];
    return NULL;
}

/* --- checks --- */

static int check_broker(Ctx *cx, const BrokerConfig *b) {
    const struct {
        const char *name;
        double value, min, max;
        bool above; /* min itself is not allowed */
    } rows[] = {
        { "initial_capital", b->cash, 0, 1e15, true },    { "commission", b->commission_rate, 0, 1e9, false },
        { "slippage", b->slippage.value, 0, 1e9, false }, { "leverage", b->leverage, 1, 1000, false },
        { "margin", b->margin, 0, 1e12, false },          { "multiplier", b->multiplier, 0, 1e9, true },
        { "interest", b->interest, -10, 10, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!(rows[i].value >= rows[i].min && rows[i].value <= rows[i].max) ||
            (rows[i].above && rows[i].value == rows[i].min))
            return err_set_at(cx, ERR_INVALID, str_c(rows[i].name), "%s is %g; it must lie in %s%g .. %g", rows[i].name,
                              rows[i].value, rows[i].above ? "above " : "", rows[i].min, rows[i].max);
    if (b->slippage.kind == SLIPPAGE_PERCENT && b->slippage.value >= 1)
        return err_set_at(cx, ERR_INVALID, S("slippage"), "a slippage of %g is 100 %% or more", b->slippage.value);
    return 0;
}

/* 0.1 % of bad candles would go unseen in a chart and ruin every figure: none is let through. */
static int check_candles(Ctx *cx, const MarketAsset *a) {
    const Candles *cs = a->candles;
    Str name = symbol_str(&a->symbol);
    if (!cs || cs->n == 0)
        return err_set_at(cx, ERR_INVALID, S("candles"), STR_FMT ": no candles in the range; collect or import some",
                          STR_ARG(name));
    for (size_t i = 0; i < cs->n; i++) {
        if (i > 0 && cs->open_ms[i] <= cs->open_ms[i - 1])
            return err_set_at(cx, ERR_INVALID, S("candles"), STR_FMT ": candle %zu is not later than the one before",
                              STR_ARG(name), i);
        bool good = isfinite(cs->open[i]) && isfinite(cs->high[i]) && isfinite(cs->low[i]) && isfinite(cs->close[i]) &&
                    cs->low[i] <= cs->high[i];
        if (!good)
            return err_set_at(cx, ERR_INVALID, S("candles"), STR_FMT ": candle %zu is not made of prices",
                              STR_ARG(name), i);
        if (cs->close[i] <= 0)
            return err_set_at(cx, ERR_INVALID, S("candles"), STR_FMT ": candle %zu has a close that is not above 0",
                              STR_ARG(name), i);
    }
    return 0;
}

static int check_request(Ctx *cx, const BacktestRequest *req) {
    if (req->n_assets == 0 || req->n_assets > RESULT_ASSETS_MAX)
        return err_set_at(cx, ERR_INVALID, S("symbols"), "a backtest takes 1 to %d assets, not %zu", RESULT_ASSETS_MAX,
                          req->n_assets);
    int err = check_broker(cx, &req->broker);
    for (size_t i = 0; err == 0 && i < req->n_assets; i++)
        err = check_candles(cx, &req->assets[i]);
    for (size_t i = 0; err == 0 && i < req->n_assets; i++)
        err = extras_check(cx, &req->assets[i], NULL);
    return err;
}

/* Before anything is computed: what lines, values and times will take. */
static int check_memory(Ctx *cx, const BacktestRequest *req, const Strategy *s) {
    size_t limit = req->options.memory_max ? req->options.memory_max : (size_t)1 << MEMORY_STANDARD_SHIFT;
    size_t rows = 0, bytes = 0;
    for (size_t i = 0; i < req->n_assets; i++)
        rows = MAX(rows, req->assets[i].candles->n), bytes += req->assets[i].candles->n * 3 * sizeof(double);
    if (__builtin_add_overflow(bytes, mem_mul(mem_mul(rows, MAX(strategy_n_lines(s), 1)), sizeof(double)), &bytes) ||
        bytes > limit)
        return err_set(cx, ERR_LIMIT, "the run needs about %zu MB for %zu lines of %zu candles; %zu MB are allowed",
                       bytes >> 20, strategy_n_lines(s), rows, limit >> 20);
    return 0;
}

/* --- the head of the result --- */

static Str value_text(Arena *arena, double v) {
    char text[NUM_TEXT_MAX];
    return str_dup(arena, str_n(text, num_format_f64(v, text)));
}

static void tell_params(const Strategy *s, Arena *arena, BacktestResult *out) {
    const ParamSpec *p = s->type->params;
    for (out->n_params = 0; p && p[out->n_params].name; out->n_params++)
        ;
    out->params = arena_new_n(arena, ResultParam, MAX(out->n_params, 1));
    for (size_t i = 0; i < out->n_params; i++)
        out->params[i] = (ResultParam){ str_c(p[i].name), p[i].kind == PARAM_TEXT ? str_dup(arena, s->text[i])
                                                                                  : value_text(arena, s->p[i]) };
}

static void tell_gaps(const MarketAsset *a, Arena *arena, ResultAsset *out, TextList *warnings) {
    if (!timeframe_valid(a->timeframe)) {
        text_list_add(warnings, arena, STR_FMT ": its timeframe is not known, gaps were not looked for",
                      STR_ARG(symbol_str(&a->symbol)));
        return;
    }
    GapList gaps = { 0 };
    out->n_missing = gaps_find(a->candles, a->timeframe, false, arena, &gaps);
    out->n_gaps = gaps.n;
    if (gaps.n == 0)
        return;
    char from[TIME_TEXT_MAX];
    size_t widest = 0;
    for (size_t i = 1; i < gaps.n; i++)
        if (gaps.v[i].missing > gaps.v[widest].missing)
            widest = i;
    size_t n = time_format_iso(gaps.v[widest].from, from);
    int64_t n_due = out->n_missing + (int64_t)a->candles->n;
    text_list_add(warnings, arena,
                  STR_FMT ": %zu gaps, %lld of %lld candles missing (%.2f %%), most at " STR_FMT
                          ": %lld; closed sessions count as gaps",
                  STR_ARG(symbol_str(&a->symbol)), gaps.n, (long long)out->n_missing, (long long)n_due,
                  100.0 * (double)out->n_missing / (double)n_due, STR_ARG(str_n(from, n)),
                  (long long)gaps.v[widest].missing);
}

static void tell_flags(const MarketAsset *a, Arena *arena, TextList *warnings) {
    size_t synthetic = 0, open = 0, simulated = 0;
    for (size_t i = 0; a->candles->flags && i < a->candles->n; i++) {
        synthetic += (a->candles->flags[i] & CANDLE_SYNTHETIC) != 0;
        open += (a->candles->flags[i] & CANDLE_OPEN) != 0;
        simulated += (a->candles->flags[i] & CANDLE_SIMULATED) != 0;
    }
    Str name = symbol_str(&a->symbol);
    if (synthetic)
        text_list_add(warnings, arena, STR_FMT ": %zu candles are filled in, not traded", STR_ARG(name), synthetic);
    if (open)
        text_list_add(warnings, arena, STR_FMT ": %zu candles had not closed yet", STR_ARG(name), open);
    if (simulated)
        text_list_add(warnings, arena, STR_FMT ": %zu candles come from a simulator, not from a market", STR_ARG(name),
                      simulated);
}

static void tell_asset(const MarketAsset *a, Arena *arena, size_t warmup, ResultAsset *out, TextList *warnings) {
    const Candles *cs = a->candles;
    *out = (ResultAsset){ .symbol = a->symbol,
                          .venue = a->venue,
                          .timeframe = a->timeframe,
                          .first = time_ms(cs->open_ms[0]),
                          .last = time_ms(cs->open_ms[cs->n - 1]),
                          .n_candles = cs->n,
                          .warmup = warmup,
                          .last_close = cs->close[cs->n - 1] };
    tell_gaps(a, arena, out, warnings);
    tell_flags(a, arena, warnings);
    if (warmup >= cs->n)
        text_list_add(warnings, arena, STR_FMT ": %zu candles are fewer than the strategy's warm-up of %zu",
                      STR_ARG(symbol_str(&a->symbol)), cs->n, warmup);
}

static void tell_head(const BacktestEngine *e, const BacktestRequest *req, const Strategy *s, Arena *arena,
                      BacktestResult *out) {
    *out = (BacktestResult){
        .backtest_id = str_dup(arena, req->backtest_id),
        .engine = str_c(e->name),
        .engine_version = str_c(e->version),
        .strategy_type = str_c(s->type->name),
        .position_sizing = str_c(sizing_name(s->sizing)),
        .position_size = s->size,
        .n_assets = req->n_assets,
        .timeframe = req->assets[0].timeframe,
        .initial_cash = req->broker.cash,
        .start = TIME_MAX,
        .end = TIME_MIN,
    };
    out->assets = arena_new_n(arena, ResultAsset, req->n_assets);
    tell_params(s, arena, out);
    for (size_t i = 0; i < req->n_assets; i++) {
        tell_asset(&req->assets[i], arena, strategy_warmup(s, i), &out->assets[i], &out->warnings);
        extras_tell(&req->assets[i], req->broker.cheat_on_close, arena, &out->assumptions, &out->warnings);
        out->start = time_before(out->assets[i].first, out->start) ? out->assets[i].first : out->start;
        out->end = time_before(out->end, out->assets[i].last) ? out->assets[i].last : out->end;
    }
}

/* --- the port --- */

static int open_strategy(const BacktestEngine *e, Ctx *cx, const StrategyCatalog *catalog, const StrategyConfig *config,
                         const BrokerConfig *broker, Strategy **out) {
    int err = strategy_open(cx, catalog, config, out);
    if (err == 0 && e->supports && !e->supports((*out)->type))
        err = err_set_at(cx, ERR_UNSUPPORTED, S("strategy_type"), "the engine %s does not run %s", e->name,
                         (*out)->type->name);
    if (err == 0 && e->validate)
        err = e->validate(cx, config, broker);
    return err;
}

int backtest_validate(const BacktestEngine *e, Ctx *cx, const StrategyCatalog *catalog, const StrategyConfig *config,
                      const BrokerConfig *broker) {
    Strategy *s;
    int err = check_broker(cx, broker);
    return err ? err : open_strategy(e, cx, catalog, config, broker, &s);
}

int backtest_run(const BacktestEngine *e, Ctx *cx, const BacktestRequest *req, BacktestResult *out) {
    Strategy *s;
    BacktestResult r;
    int err = open_strategy(e, cx, req->catalog, req->strategy, &req->broker, &s);
    if (err == 0)
        err = check_request(cx, req);
    if (err == 0)
        err = strategy_setup(s, cx, req->assets, req->n_assets);
    if (err == 0)
        err = check_memory(cx, req, s);
    if (err)
        return err;
    tell_head(e, req, s, cx->arena, &r);
    if (req->options.stepwise)
        strategy_compute_begin(s);
    else if ((err = strategy_compute(s, cx)) != 0)
        return err;
    if ((err = e->run(cx, req, s, &r)) != 0)
        return err;
    result_conclude(&r, cx->arena);
    if (req->options.no_orders)
        r.orders = NULL, r.n_orders = 0, r.events = NULL, r.n_events = 0;
    *out = r;
    return 0;
}

void backtest_supported(const BacktestEngine *e, const StrategyCatalog *catalog, Arena *arena,
                        const StrategyType *const **out, size_t *n) {
    catalog = catalog ? catalog : strategy_builtins();
    const StrategyType **list = arena_new_n(arena, const StrategyType *, MAX(catalog->n, 1));
    *n = 0;
    for (size_t i = 0; i < catalog->n; i++)
        if (!e->supports || e->supports(catalog->types[i]))
            list[(*n)++] = catalog->types[i];
    *out = list;
}
