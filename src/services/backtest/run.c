/* services/backtest/run.c - candles in, a result out, kept before it is answered; see backtest.h. */

#include "services/backtest/internal.h"

enum { CANDLES_MAX = 20 * 1000 * 1000 };
#define MEMORY_MAX ((size_t)4 << 30)

BacktestService *backtest_service_new(const BacktestOptions *o) {
    assert(o->candles && o->store && o->ids);
    BacktestService *s = mem_new(BacktestService);
    s->o = *o;
    if (!s->o.catalog)
        s->o.catalog = strategy_builtins();
    if (!s->o.candles_max)
        s->o.candles_max = CANDLES_MAX;
    if (!s->o.memory_max)
        s->o.memory_max = MEMORY_MAX;
    if (!s->o.threads)
        s->o.threads = 1;
    return s;
}

BacktestService *backtest_service_free(BacktestService *s) {
    return mem_free(s);
}

const StrategyCatalog *backtest_service_catalog(const BacktestService *s) {
    return s->o.catalog;
}

int backtest_service_engine(Ctx *cx, Str name, const BacktestEngine **out) {
    *out = backtest_engine_find(name.n ? name : S("backtrader"));
    if (*out)
        return 0;
    const BacktestEngine *const *all;
    size_t n = backtest_engines(&all);
    Str names = { 0 };
    for (size_t i = 0; i < n; i++)
        names = str_fmt(cx->arena, STR_FMT "%s%s", STR_ARG(names), i ? ", " : "", all[i]->name);
    return err_set_at(cx, ERR_INVALID, S("engine"), "there is no engine '" STR_FMT "'; there are " STR_FMT,
                      STR_ARG(name), STR_ARG(names));
}

/* --- candles --- */

static int no_candles(Ctx *cx, const SourceQuery *q, bool in_range) {
    char tf[TIMEFRAME_TEXT_MAX];
    return err_set_at(
        cx, ERR_NOT_FOUND, S("symbol"),
        in_range ? "no candles of %s%s%s " STR_FMT " are stored in the range asked for; "
                   "`ensure` collects them, `stats` shows what there is"
                 : "no candles of %s%s%s " STR_FMT " are stored; collect them with `ensure`, or import a file",
        q->key.venue.s, q->key.venue.s[0] ? ":" : "", q->key.symbol.s, STR_ARG(timeframe_text(q->key.timeframe, tf)));
}

static int load_asset(BacktestService *s, Ctx *cx, const SourceQuery *asked, BacktestData *data,
                      const Listing **rules) {
    SourceQuery q = *asked;
    SourceCandles got;
    q.most = s->o.candles_max;
    int r = candle_source_get(s->o.candles, cx, &q, &got);
    if (r == SOURCE_NO_SERIES)
        return no_candles(cx, &q, false);
    if (r == 0 && got.rows.n == 0)
        return no_candles(cx, &q, true);
    if (r != 0)
        return r;
    Candles *rows = arena_new(cx->arena, Candles);
    *rows = got.rows;
    data->assets[data->n_assets++] = (MarketAsset){
        .symbol = got.key.symbol, .venue = got.key.venue, .timeframe = got.key.timeframe, .candles = rows
    };
    if (data->n_assets == 1)
        data->key = got.key;
    data->n_candles += (int64_t)got.rows.n;
    data->n_synthetic += got.n_synthetic;
    data->simulated |= got.simulated;
    *rules = got.listing;
    return 0;
}

int backtest_service_data(BacktestService *s, Ctx *cx, const BacktestAsk *ask, BacktestData *out) {
    size_t n = ask->n_assets;
    *out = (BacktestData){ .assets = arena_zalloc(cx->arena, MAX(n, 1) * sizeof *out->assets) };
    if (n == 0 || n > RESULT_ASSETS_MAX)
        return err_set_at(cx, ERR_INVALID, S("symbol"), "a backtest takes 1 to %d assets", RESULT_ASSETS_MAX);
    const Listing **rules = arena_new_n(cx->arena, const Listing *, n);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = load_asset(s, cx, &ask->assets[i], out, &rules[i]);
    if (r == 0)
        r = backtest_service_columns(cx, ask, out->assets, out->n_assets);
    return r ? r : backtest_service_zoot(s, cx, ask, rules, out);
}

/* --- run --- */

/* What the reader must know of the data; the engine sees candles alone. */
static void label(const BacktestData *data, Arena *a, BacktestResult *r) {
    if (data->simulated)
        text_list_add(&r->warnings, a, "SIMULATED: candles of the exchange simulator, not of a market");
    if (data->n_synthetic)
        text_list_add(&r->warnings, a, "%lld of %lld candles were filled in where the venue had none",
                      (long long)data->n_synthetic, (long long)data->n_candles);
}

const double *backtest_service_benchmark(Ctx *cx, const BacktestData *data, const BacktestResult *r) {
    const Candles *cs = data->assets[0].candles;
    double *b = arena_alloc(cx->arena, MAX(r->n_steps, 1) * sizeof *b);
    size_t k = 0;
    for (size_t i = 0; i < r->n_steps; i++) {
        while (k + 1 < cs->n && cs->open_ms[k + 1] <= r->time_ms[i])
            k++;
        b[i] = cs->close[k];
    }
    return b;
}

static void summarise(BacktestService *s, Ctx *cx, const BacktestAsk *ask, const BacktestData *data, double seconds,
                      StoredBacktest *out) {
    const BacktestResult *r = &out->result;
    const BacktestMetrics *m = out->metrics;
    CompareVerdict verdict;
    char *tf = arena_alloc(cx->arena, TIMEFRAME_TEXT_MAX);
    UNUSED(s);
    out->summary = (BacktestSummary){
        .backtest_id = r->backtest_id,
        .workspace = cx->workspace,
        .symbol = str_dup(cx->arena, symbol_str(&data->key.symbol)),
        .timeframe = timeframe_text(data->key.timeframe, tf),
        .exchange = str_dup(cx->arena, venue_str(&data->key.venue)),
        .strategy_type = r->strategy_type,
        .engine = r->engine,
        .start = r->start,
        .end = r->end,
        .created = clock_wall(cx->clock),
        .initial_cash = r->initial_cash,
        .final_value = r->final_value,
        .total_return = m->v[METRIC_TOTAL_RETURN],
        .annual_return = m->v[METRIC_ANNUAL_RETURN],
        .max_drawdown = m->v[METRIC_MAX_DRAWDOWN],
        .sharpe_ratio = m->v[METRIC_SHARPE],
        .win_rate = m->v[METRIC_WIN_RATE],
        .total_trades = (int64_t)r->n_closed,
        .score = compare_score(m, &verdict),
        .execution_seconds = seconds,
        .n_candles = data->n_candles,
        .simulated = data->simulated,
        .n_synthetic = data->n_synthetic,
        .note = ask->note,
    };
}

static Str new_id(BacktestService *s, Ctx *cx) {
    Str uuid = ids_uuid4(s->o.ids, cx->arena);
    char *id = arena_alloc(cx->arena, 3 + 24);
    size_t n = 0;
    memcpy(id, "bt_", 3);
    for (size_t i = 0; i < uuid.n && n < 24; i++)
        if (uuid.p[i] != '-')
            id[3 + n++] = uuid.p[i];
    return str_n(id, 3 + n);
}

static void log_run(BacktestService *s, Ctx *cx, const StoredBacktest *b) {
    if (!s->o.log)
        return;
    const BacktestSummary *m = &b->summary;
    LOG_INFO(s->o.log, cx, S("Backtest finished"), F_STR("backtest_id", m->backtest_id),
             F_STR("strategy_type", m->strategy_type), F_STR("symbol", m->symbol), F_STR("engine", m->engine),
             F_I64("candles", m->n_candles), F_I64("trades", m->total_trades), F_F64("seconds", m->execution_seconds));
}

BacktestRequest backtest_service_request(const BacktestService *s, const BacktestAsk *ask, const BacktestData *data) {
    BacktestRequest req = { .assets = data->assets,
                            .n_assets = data->n_assets,
                            .strategy = &ask->strategy,
                            .catalog = s->o.catalog,
                            .broker = ask->broker,
                            .zoot = data->zoot,
                            .ta4j = &ask->ta4j,
                            .options = ask->options };
    if (!req.options.memory_max)
        req.options.memory_max = s->o.memory_max;
    return req;
}

static int tell_run(void *arg, Ctx *cx, size_t step, size_t n_steps) {
    UNUSED(arg);
    ctx_progress(cx, (double)step / (double)MAX(n_steps, 1), (int64_t)step);
    return 0;
}

int backtest_service_run(BacktestService *s, Ctx *cx, const BacktestAsk *ask, StoredBacktest *out) {
    *out = (StoredBacktest){ 0 };
    const BacktestEngine *e;
    BacktestData data;
    int r = backtest_service_engine(cx, ask->engine, &e);
    if (r == 0)
        r = backtest_validate(e, cx, s->o.catalog, &ask->strategy, &ask->broker);
    if (r == 0)
        r = backtest_service_data(s, cx, ask, &data);
    if (r != 0)
        return r;
    MonoNs started = clock_mono(cx->clock);
    BacktestRequest req = backtest_service_request(s, ask, &data);
    req.backtest_id = ask->backtest_id.n ? ask->backtest_id : new_id(s, cx);
    if (!req.options.progress)
        req.options.progress = tell_run;
    r = backtest_run(e, cx, &req, &out->result);
    if (r != 0)
        return r;
    label(&data, cx->arena, &out->result);
    result_add_metrics(&out->result, cx->arena, backtest_service_benchmark(cx, &data, &out->result), ask->risk_free);
    out->metrics = out->result.metrics;
    summarise(s, cx, ask, &data, (double)(clock_mono(cx->clock).ns - started.ns) / NS_PER_SECOND, out);
    if (!ask->transient)
        r = backtest_store_save(s->o.store, cx, out);
    if (r == 0)
        log_run(s, cx, out);
    return r;
}

int backtest_service_validate(BacktestService *s, Ctx *cx, const BacktestAsk *ask) {
    const BacktestEngine *e;
    int r = backtest_service_engine(cx, ask->engine, &e);
    if (r == 0)
        r = backtest_validate(e, cx, s->o.catalog, &ask->strategy, &ask->broker);
    MarketAsset *assets = arena_zalloc(cx->arena, MAX(ask->n_assets, 1) * sizeof *assets);
    for (size_t i = 0; i < ask->n_assets; i++)
        assets[i].symbol = ask->assets[i].key.symbol;
    return r ? r : backtest_service_columns(cx, ask, assets, ask->n_assets);
}
