/* api/backtest over its service: every route of the documents' backtesting router (MDS-03), in process and through the
 * wire's form alike, and what each bad request is told (MDS-34, MDS-47). */

#include "lib/test.h"

#include "adapters/backtest/sqlite.h"
#include "api/backtest/backtest_api.h"
#include "api/backtest/beyond_shapes.h"
#include "api/backtest/search_shapes.h"
#include "api/call.h"
#include "services/backtest/backtest.h"

enum { CANDLES = 3000 };

/* --- a source of candles that swing, so that averages cross --- */

typedef struct WaveSource {
    CandleSource source; /* first */
    Arena *arena;
    bool simulated;
} WaveSource;

static int wave_get(CandleSource *source, Ctx *cx, const SourceQuery *q, SourceCandles *out) {
    WaveSource *w = (WaveSource *)source;
    if (!str_eq(symbol_str(&q->key.symbol), S("BTCUSDT")) && !str_eq(symbol_str(&q->key.symbol), S("ETHUSDT")))
        return SOURCE_NO_SERIES;
    out->key = q->key;
    venue_parse(S("binance"), &out->key.venue);
    out->simulated = w->simulated;
    candles_init(&out->rows, cx->arena, CANDLES);
    for (int i = 0; i < CANDLES; i++) {
        Time t = time_ms(INT64_C(1704067200000) + (int64_t)i * MS_PER_HOUR);
        double price = 100 + 20 * sin(i / 15.0) + i / 40.0, next = 100 + 20 * sin((i + 1) / 15.0) + (i + 1) / 40.0;
        Candle c = { .open_time = t,
                     .open = price,
                     .close = next,
                     .high = MAX(price, next) + 1,
                     .low = MIN(price, next) - 1,
                     .volume = 10 };
        if (time_cmp(t, q->from) >= 0 && time_cmp(t, q->to) < 0)
            candles_push(&out->rows, &c);
    }
    return 0;
}
static const CandleSourceOps wave_ops = { .name = "wave", .get = wave_get };

typedef struct Rig {
    TestCtx t;
    WaveSource candles;
    BacktestStore *store;
    IdsSeeded ids;
    BacktestService *service;
    ApiCaller *api;
} Rig;

static void rig_init(Rig *r, bool wire) {
    memset(r, 0, sizeof *r);
    test_ctx_init(&r->t);
    r->candles = (WaveSource){ .source = { .ops = &wave_ops } };
    CHECK_OK_PLAIN(&r->t.cx, backtest_sqlite_open(&r->t.cx, &(BacktestSqliteOptions){ 0 }, &r->store));
    ids_seeded_init(&r->ids, 7);
    r->service = backtest_service_new(
        &(BacktestOptions){ .candles = &r->candles.source, .store = r->store, .ids = &r->ids.ids });
    ApiRole role = { &backtest_api, r->service };
    r->api = wire ? api_caller_wire(&role, 1) : api_caller_local(&role, 1);
}

static void rig_done(Rig *r) {
    api_caller_close(r->api);
    backtest_service_free(r->service);
    backtest_store_close(r->store);
    test_ctx_done(&r->t);
}

static BacktestRequestIn request(Rig *r, const char *id, const char *strategy, const char *parameters) {
    BacktestRequestIn in;
    shape_init(&backtest_request_shape, &r->t.cx, &in);
    in.backtest_id = str_c(id);
    in.symbol = S("BTCUSDT");
    in.timeframe = S("1h");
    in.strategy_type = str_c(strategy);
    in.parameters.json = str_c(parameters);
    return in;
}

static Str text_of(Rig *r, const Shape *shape, const void *v) {
    Buf b;
    JsonWriter w;
    buf_init(&b, 16 << 20);
    json_writer_init(&w, &b, false);
    shape_write(shape, &w, v);
    Str text = str_dup(&r->t.arena, buf_str(&b));
    buf_done(&b);
    return text;
}

static Str run(Rig *r, const char *id, const char *strategy, const char *parameters) {
    BacktestRequestIn in = request(r, id, strategy, parameters);
    BacktestResponse out = { 0 };
    CHECK_OK_PLAIN(&r->t.cx, api_call(r->api, &r->t.cx, &op_backtest_run, &in, &out));
    return text_of(r, &backtest_response_shape, &out);
}

TEST(the_tables_are_sound) {
    TestCtx t;
    test_ctx_init(&t);
    const OpTable *const tables[] = { &backtest_api };
    CHECK_OK(&t.cx, op_lint(&t.cx, tables, 1));
    test_ctx_done(&t);
}

/* MDS-03: run, get, list, compare, strategies, and the rest of the router. */
static Str conversation(Rig *r) {
    Arena *a = &r->t.arena;
    Ctx *cx = &r->t.cx;
    Buf b;
    buf_init(&b, 16 << 20);
    buf_put_str(&b, run(r, "bt_1", "moving_average_crossover", "{\"short_period\":5,\"long_period\":20}"));
    clock_manual_advance_ms(&r->t.clock, 1000);
    buf_put_str(&b, run(r, "bt_2", "rsi", "{}"));
    BacktestResponse got = { 0 };
    BacktestGetQuery get = { .id = S("bt_1"), .equity_points = 3, .orders = S("all") };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_backtest_get, &get, &got));
    buf_put_str(&b, text_of(r, &backtest_response_shape, &got));
    BacktestList list = { 0 };
    CHECK_OK_PLAIN(
        cx, api_call(r->api, cx, &op_backtest_list, &(BacktestListQuery){ .limit = 10, .sort = S("score") }, &list));
    buf_put_str(&b, text_of(r, &backtest_list_shape, &list));
    StrategyList strategies = { 0 };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_backtest_strategies, NULL, &strategies));
    buf_put_str(&b, text_of(r, &strategy_list_shape, &strategies));
    Str ids[] = { S("bt_2"), S("bt_1") };
    BacktestRequestIn another = request(r, "bt_3", "buy_and_hold", "");
    CompareRequest compare = { .backtest_ids = { ids, 2 }, .requests = { &another, 1 }, .sort = S("return") };
    CompareResponse compared = { 0 };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_backtest_compare, &compare, &compared));
    buf_put_str(&b, text_of(r, &compare_response_shape, &compared));
    RecommendationList advice = { 0 };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_backtest_recommend,
                                &(RecommendQuery){ .symbol = S("BTCUSDT"), .limit = 5 }, &advice));
    buf_put_str(&b, text_of(r, &recommendation_list_shape, &advice));
    BacktestRemoved gone = { 0 };
    CHECK_OK_PLAIN(cx, api_call(r->api, cx, &op_backtest_remove, &(BacktestId){ S("bt_3") }, &gone));
    if (!gone.success ||
        api_call(r->api, cx, &op_backtest_get, &(BacktestGetQuery){ .id = S("bt_3") }, &got) != ERR_NOT_FOUND)
        FAIL("bt_3 is still there");
    Str said = str_dup(a, buf_str(&b));
    buf_done(&b);
    return said;
}

TEST(in_process_and_through_the_wire_answer_alike) {
    Rig local, wire;
    rig_init(&local, false);
    rig_init(&wire, true);
    CHECK_STR(conversation(&wire), conversation(&local));
    rig_done(&local);
    rig_done(&wire);
}

/* FLW-04: what GET gives is what run answered; byte for byte, and twice the same run gives the same bytes. */
TEST(what_was_answered_is_what_is_found) {
    Rig r;
    rig_init(&r, false);
    Str answered = run(&r, "bt_1", "macd", "{}");
    BacktestResponse got = { 0 };
    BacktestGetQuery get;
    shape_init(&backtest_get_shape, &r.t.cx, &get);
    get.id = S("bt_1");
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_get, &get, &got));
    CHECK_STR(text_of(&r, &backtest_response_shape, &got), answered);
    BacktestId id = { S("bt_1") };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_remove, &id, &(BacktestRemoved){ 0 }));
    CHECK_STR(run(&r, "bt_1", "macd", "{}"), answered);
    rig_done(&r);
}

/* ta4j's own criteria stand beside the metrics, and are kept in their order. */
TEST(a_run_of_ta4j_has_its_criteria_and_they_are_kept) {
    Rig r;
    rig_init(&r, true);
    BacktestRequestIn in = request(&r, "t", "rsi", "");
    BacktestResponse ran = { 0 }, got = { 0 };
    BacktestGetQuery get;
    in.engine = S("ta4j");
    in.position_sizing = S("fixed");
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_run, &in, &ran));
    CHECK_EQ(ran.criteria.n, 34);
    const CriterionOut *v = ran.criteria.v;
    CHECK_STR(v[0].name, S("Return"));
    CHECK_STR(v[14].name, S("NumberOfPositions"));
    CHECK(v[14].value > 5 && v[14].value == ran.metrics.v[METRIC_TOTAL_TRADES]);
    shape_init(&backtest_get_shape, &r.t.cx, &get);
    get.id = S("t");
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_get, &get, &got));
    CHECK_STR(text_of(&r, &backtest_response_shape, &got), text_of(&r, &backtest_response_shape, &ran));
    RawBody page = { 0 };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_report, &(BacktestId){ S("t") }, &page));
    CHECK(str_find(page.bytes, S("id=\"criteria\"")) > 0 && str_find(page.bytes, S("ExpectedShortfall")) > 0);
    in = request(&r, "b", "rsi", "");
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_run, &in, &ran));
    CHECK_EQ(ran.criteria.n, 0);
    rig_done(&r);
}

/* STO-03: the document's members, under the documents' names. */
TEST(the_document_has_the_members_of_the_schema) {
    Rig r;
    rig_init(&r, false);
    Str text = run(&r, "bt_1", "rsi", "{\"period\":7}");
    static const char *const members[] = {
        "backtest_id",     "symbol",        "timeframe", "strategy_type", "start_date",    "end_date",
        "initial_capital", "final_capital", "metrics",   "total_return",  "annual_return", "max_drawdown",
        "sharpe_ratio",    "total_trades",  "win_rate",  "trades",        "equity_curve",  "execution_time_seconds",
        "created_at"
    };
    CHECK(text.n > 1000);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (str_find(text, str_fmt(&r.t.arena, "\"%s\":", members[i])) < 0)
            FAIL("no member %s in " STR_FMT, members[i], STR_ARG(str_first(text, 300)));
    rig_done(&r);
}

/* MDS-32: the recommendation is the argmax of the documented score over what is stored. */
TEST(the_best_score_is_recommended_first) {
    Rig r;
    rig_init(&r, false);
    static const char *const types[] = { "rsi", "macd", "moving_average_crossover", "donchian_breakout", "rsi" };
    static const char *const params[] = { "{}", "{}", "{}", "{}", "{\"period\":5}" };
    double best = -INFINITY;
    Str winner = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        Str id = str_fmt(&r.t.arena, "bt_%zu", i);
        BacktestRequestIn in = request(&r, str_cz(&r.t.arena, id), types[i], params[i]);
        BacktestResponse out = { 0 };
        CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_run, &in, &out));
        BacktestMetrics m = { 0 };
        memcpy(m.v, out.metrics.v, sizeof m.v);
        CompareVerdict verdict;
        double score = compare_score(&m, &verdict);
        CHECK(score == out.score || (isnan(score) && isnan(out.score)));
        if (score > best) {
            best = score;
            winner = id;
        }
    }
    RecommendationList list = { 0 };
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_recommend,
                               &(RecommendQuery){ .symbol = S("BTCUSDT"), .limit = 10 }, &list));
    const RecommendationOut *v = list.recommendations.v;
    CHECK(isfinite(best) && list.recommendations.n >= 2);
    CHECK_STR(v[0].backtest_id, winner);
    CHECK_NEAR(v[0].score, best, 0);
    for (size_t i = 0; i < list.recommendations.n; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(!str_eq(v[i].strategy_type, v[k].strategy_type) && v[i].score <= v[k].score);
    rig_done(&r);
}

/* MDS-34, MDS-47: each refusal names its place; an unknown type lists those there are. */
TEST(bad_requests_are_told_what_is_wrong) {
    Rig r;
    rig_init(&r, false);
    run(&r, "taken", "rsi", "{}");
    static const struct {
        const char *name, *id, *strategy, *parameters, *symbol, *engine, *sizing;
        double size;
        int code;
        const char *field, *words;
    } rows[] = {
        { "unknown strategy", "", "nope", "", "BTCUSDT", "backtrader", "", 0, ERR_INVALID, "strategy_type",
          "moving_average_crossover" },
        { "short >= long", "", "moving_average_crossover", "{\"short_period\":30,\"long_period\":30}", "BTCUSDT",
          "backtrader", "", 0, ERR_INVALID, NULL, "short" },
        { "unknown parameter", "", "rsi", "{\"peroid\":7}", "BTCUSDT", "backtrader", "", 0, ERR_INVALID, NULL,
          "peroid" },
        { "no object", "", "rsi", "[1]", "BTCUSDT", "backtrader", "", 0, ERR_INVALID, "parameters", "object" },
        { "a list as value", "", "rsi", "{\"period\":[1]}", "BTCUSDT", "backtrader", "", 0, ERR_INVALID,
          "parameters.period", "number" },
        { "twice", "", "rsi", "{\"period\":7,\"period\":8}", "BTCUSDT", "backtrader", "", 0, ERR_INVALID,
          "parameters.period", "twice" },
        { "size above 1", "", "rsi", "", "BTCUSDT", "backtrader", "percent", 1.5, ERR_INVALID, NULL, "1" },
        { "unknown engine", "", "rsi", "", "BTCUSDT", "lean", "", 0, ERR_INVALID, "engine", "backtrader" },
        { "nothing stored", "", "rsi", "", "DOGEUSDT", "backtrader", "", 0, ERR_NOT_FOUND, "symbol", "ensure" },
        { "id taken", "taken", "rsi", "", "BTCUSDT", "backtrader", "", 0, ERR_CONFLICT, "backtest_id", "taken" },
        { "bad id", "../../etc", "rsi", "", "BTCUSDT", "backtrader", "", 0, ERR_INVALID, "backtest_id", "letters" },
    };
    EACH_ROW (row, rows) {
        BacktestRequestIn in = request(&r, row->id, row->strategy, row->parameters);
        BacktestResponse out = { 0 };
        in.symbol = str_c(row->symbol);
        in.engine = str_c(row->engine);
        in.position_sizing = str_c(row->sizing);
        in.position_size = row->size;
        CHECK_EQ(api_call(r.api, &r.t.cx, &op_backtest_run, &in, &out), row->code);
        if (row->field)
            CHECK_STR(str_c(r.t.cx.err.field), str_c(row->field));
        if (!strstr(r.t.cx.err.text, row->words))
            FAIL("'%s' does not say '%s'", r.t.cx.err.text, row->words);
        err_clear(&r.t.cx);
    }
    rig_done(&r);
}

TEST(a_range_without_candles_and_simulated_candles_are_said) {
    Rig r;
    rig_init(&r, false);
    BacktestRequestIn in = request(&r, "a", "rsi", "");
    BacktestResponse out = { 0 };
    in.start_date = time_ms(INT64_C(1904067200000));
    CHECK_EQ(api_call(r.api, &r.t.cx, &op_backtest_run, &in, &out), ERR_NOT_FOUND);
    r.candles.simulated = true;
    in.start_date = time_ms(0);
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_run, &in, &out));
    CHECK(out.simulated);
    bool said = false;
    for (size_t i = 0; i < out.warnings.n; i++)
        said |= str_starts(((const Str *)out.warnings.v)[i], S("SIMULATED"));
    CHECK(said);
    rig_done(&r);
}

TEST(equity_points_are_spread_and_end_at_the_end) {
    Rig r;
    rig_init(&r, false);
    run(&r, "a", "buy_and_hold", "");
    for (int64_t points = 0; points <= 3100; points += 31) {
        BacktestResponse out = { 0 };
        BacktestGetQuery get = { .id = S("a"), .equity_points = points, .orders = S("none") };
        CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_get, &get, &out));
        const EquityOut *v = out.equity_curve.v;
        CHECK_EQ(out.equity_curve.n, MIN(points, CANDLES));
        for (size_t i = 1; i < out.equity_curve.n; i++)
            CHECK(v[i].timestamp.ms > v[i - 1].timestamp.ms && v[i].drawdown >= 0);
        if (points) {
            CHECK_EQ(v[out.equity_curve.n - 1].timestamp.ms, out.end_date.ms);
            CHECK_NEAR(v[out.equity_curve.n - 1].value, out.final_capital, 1e-9);
        }
    }
    rig_done(&r);
}

/* A sweep: the best of its rows is what a run of those values gives, and the wire changes nothing. */
TEST(a_sweep_ranks_what_runs_give) {
    Str said[2];
    for (int wire = 0; wire < 2; wire++) {
        Rig r;
        rig_init(&r, wire);
        SweepRequestIn in;
        SweepResponse out = { 0 };
        shape_init(&sweep_request_shape, &r.t.cx, &in);
        in.backtest = request(&r, "", "moving_average_crossover", "");
        in.grid.json = S("{\"short_period\":[3,5,30],\"long_period\":{\"from\":10,\"to\":30,\"step\":10}}");
        in.objective = S("total_return");
        CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_sweep, &in, &out));
        CHECK_EQ(out.combinations, 9);
        CHECK_EQ(out.refused, 3); /* 30 against 10, 20, 30 */
        CHECK_EQ(out.best.n, 6);
        const SweepRowOut *best = out.best.v;
        BacktestRequestIn one =
            request(&r, "one", "moving_average_crossover", str_cz(&r.t.arena, best[0].parameters.json));
        BacktestResponse ran = { 0 };
        CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_run, &one, &ran));
        CHECK_NEAR(ran.metrics.v[METRIC_TOTAL_RETURN], best[0].total_return, 1e-9);
        CHECK_NEAR(ran.metrics.v[METRIC_SHARPE], best[0].sharpe_ratio, 1e-9);
        CHECK_EQ(ran.metrics.v[METRIC_TOTAL_TRADES], best[0].total_trades);
        for (size_t i = 1; i < out.best.n; i++)
            CHECK(best[i].total_return <= best[i - 1].total_return);
        CHECK_STR(out.heat.x_values.json, S("[3,5,30]"));
        said[wire] = str_dup(&r.t.arena, text_of(&r, &sweep_response_shape, &out));
        static char kept[1 << 16];
        if (!wire)
            said[0] = str_n(memcpy(kept, said[0].p, said[0].n), said[0].n);
        else
            CHECK_STR(said[1], said[0]);
        rig_done(&r);
    }
}

/* Beyond one run: windows that follow each other, paths drawn from a kept run, a proof that passes. */
TEST(walk_forward_monte_carlo_and_proof_answer_alike) {
    Str said = { 0 };
    static char kept[1 << 18];
    for (int wire = 0; wire < 2; wire++) {
        Rig r;
        rig_init(&r, wire);
        Ctx *cx = &r.t.cx;
        WalkRequestIn walk;
        WalkResponse walked = { 0 };
        shape_init(&walk_request_shape, cx, &walk);
        walk.backtest = request(&r, "", "moving_average_crossover", "");
        walk.grid.json = S("{\"short_period\":[3,5,8],\"long_period\":[20,30]}");
        walk.purge = 10;
        CHECK_OK(cx, api_call(r.api, cx, &op_backtest_walk, &walk, &walked));
        const WalkWindowOut *w = walked.windows.v;
        CHECK(walked.windows.n >= 2);
        for (size_t i = 0; i < walked.windows.n; i++) {
            CHECK(w[i].train_end.ms <= w[i].test_start.ms && w[i].test_start.ms < w[i].test_end.ms);
            CHECK(i == 0 || w[i].test_start.ms >= w[i - 1].test_end.ms - 1);
        }
        run(&r, "bt_1", "macd", "{}");
        MonteCarloRequest ask;
        MonteCarloResponse drawn = { 0 };
        shape_init(&monte_carlo_request_shape, cx, &ask);
        ask.id = S("bt_1");
        ask.paths = 200;
        CHECK_OK(cx, api_call(r.api, cx, &op_backtest_monte_carlo, &ask, &drawn));
        CHECK(drawn.total_return.p05 < drawn.total_return.p50 && drawn.total_return.p50 < drawn.total_return.p95);
        ask.id = S("none");
        CHECK_EQ(api_call(r.api, cx, &op_backtest_monte_carlo, &ask, &(MonteCarloResponse){ 0 }), ERR_NOT_FOUND);
        ProveRequest prove;
        ProveResponse proved = { 0 };
        shape_init(&prove_request_shape, cx, &prove);
        prove.backtest = request(&r, "", "rsi", "{\"period\":7}");
        CHECK_OK(cx, api_call(r.api, cx, &op_backtest_prove, &prove, &proved));
        CHECK(proved.proved && proved.decisions > 0 && proved.cuts >= 32);
        Str text = str_fmt(&r.t.arena, "%s%s%s", str_cz(&r.t.arena, text_of(&r, &walk_response_shape, &walked)),
                           str_cz(&r.t.arena, text_of(&r, &monte_carlo_response_shape, &drawn)),
                           str_cz(&r.t.arena, text_of(&r, &prove_response_shape, &proved)));
        if (wire)
            CHECK_STR(text, said);
        else
            said = str_n(memcpy(kept, text.p, MIN(text.n, sizeof kept)), text.n);
        rig_done(&r);
    }
}

/* What is wrong inside the nested request is told with its place in the whole one. */
TEST(faults_of_the_nested_request_have_their_place) {
    Rig r;
    rig_init(&r, false);
    static const struct {
        const char *name, *strategy, *engine, *symbol, *field;
    } rows[] = {
        { "strategy", "nope", "backtrader", "BTCUSDT", "backtest.strategy_type" },
        { "engine", "rsi", "lean", "BTCUSDT", "backtest.engine" },
        { "symbol", "rsi", "backtrader", "DOGEUSDT", "backtest.symbol" },
    };
    EACH_ROW (row, rows) {
        Ctx *cx = &r.t.cx;
        SweepRequestIn sweep;
        WalkRequestIn walk;
        ProveRequest prove;
        shape_init(&sweep_request_shape, cx, &sweep);
        shape_init(&walk_request_shape, cx, &walk);
        shape_init(&prove_request_shape, cx, &prove);
        sweep.backtest = request(&r, "", row->strategy, "");
        sweep.backtest.engine = str_c(row->engine);
        sweep.backtest.symbol = str_c(row->symbol);
        walk.backtest = prove.backtest = sweep.backtest;
        sweep.grid.json = walk.grid.json = S("{\"period\":[3,5]}");
        const struct {
            const Op *op;
            const void *in;
        } calls[] = { { &op_backtest_sweep, &sweep }, { &op_backtest_walk, &walk }, { &op_backtest_prove, &prove } };
        for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
            void *out = arena_zalloc(&r.t.arena, calls[i].op->out->size);
            CHECK(api_call(r.api, cx, calls[i].op, calls[i].in, out) < 0);
            CHECK_STR(str_c(cx->err.field), str_c(row->field));
            err_clear(cx);
        }
    }
    rig_done(&r);
}

TEST(a_bad_grid_is_told_where) {
    Rig r;
    rig_init(&r, false);
    static const struct {
        const char *name, *grid, *field;
    } rows[] = {
        { "no object", "[1]", "grid" },
        { "no parameter", "{}", "grid" },
        { "no value", "{\"short_period\":[]}", "grid.short_period" },
        { "a text", "{\"short_period\":[\"x\"]}", "grid.short_period" },
        { "backwards", "{\"short_period\":{\"from\":9,\"to\":3}}", "grid.short_period" },
        { "no step", "{\"short_period\":{\"from\":1,\"to\":3,\"step\":0}}", "grid.short_period" },
        { "far too many", "{\"short_period\":{\"from\":1,\"to\":1e12}}", "grid.short_period" },
    };
    EACH_ROW (row, rows) {
        SweepRequestIn in;
        SweepResponse out = { 0 };
        shape_init(&sweep_request_shape, &r.t.cx, &in);
        in.backtest = request(&r, "", "moving_average_crossover", "");
        in.grid.json = str_c(row->grid);
        CHECK_EQ(api_call(r.api, &r.t.cx, &op_backtest_sweep, &in, &out), ERR_INVALID);
        CHECK_STR(str_c(r.t.cx.err.field), str_c(row->field));
        err_clear(&r.t.cx);
    }
    rig_done(&r);
}

/* --- columns beside the candles --- */

static const char *const mood_rules = "{\"entry\":\"mood > 0\",\"exit\":\"mood < 0\"}";

/* Known in the middle of every sixth hour, to and fro; the last value lasts. */
static ColumnIn mood_column(Rig *r, const char *name, const char *symbol) {
    enum { N = CANDLES / 6 };
    ColumnValueIn *v = arena_new_n(&r->t.arena, ColumnValueIn, N);
    for (int i = 0; i < N; i++)
        v[i] = (ColumnValueIn){ time_ms(INT64_C(1704067200000) + (int64_t)i * 6 * MS_PER_HOUR + MS_PER_HOUR / 2),
                                i % 2 ? -1.5 : 0.25 };
    return (ColumnIn){ .name = str_c(name), .symbol = str_c(symbol), .values = { v, N } };
}

TEST(columns_beside_the_candles_decide_and_pass_the_proof_in_process_and_through_the_wire) {
    double first_return = 0;
    for (int wire = 0; wire < 2; wire++) {
        Rig r;
        rig_init(&r, wire);
        Ctx *cx = &r.t.cx;
        BacktestRequestIn in = request(&r, "a", "rules", mood_rules);
        ColumnIn mood = mood_column(&r, "mood", "");
        BacktestResponse out = { 0 };
        in.columns = (List){ &mood, 1 };
        CHECK_OK(cx, api_call(r.api, cx, &op_backtest_run, &in, &out));
        const TradeOut *trades = out.trades.v;
        CHECK(out.trades.n > 200);
        /* Known at 00:30, seen at the close of the candle of 00:00, bought at the next open. */
        CHECK_EQ(trades[0].entry_time.ms, INT64_C(1704067200000) + MS_PER_HOUR);
        CHECK_EQ(trades[0].exit_time.ms, INT64_C(1704067200000) + 7 * MS_PER_HOUR);
        CHECK(wire == 0 || out.metrics.v[METRIC_TOTAL_RETURN] == first_return);
        first_return = out.metrics.v[METRIC_TOTAL_RETURN];
        CHECK(str_find(((const Str *)out.assumptions.v)[0], S("the column mood has 500 values")) >= 0);
        ProveRequest prove;
        ProveResponse proved = { 0 };
        shape_init(&prove_request_shape, cx, &prove);
        prove.backtest = in;
        CHECK_OK(cx, api_call(r.api, cx, &op_backtest_prove, &prove, &proved));
        CHECK(proved.proved && proved.decisions > 100);
        /* No older than half an hour: seen by one candle in six, so bought later never, and sold by none but one. */
        in.backtest_id = S("b");
        mood.max_age = S("30m");
        CHECK_OK(cx, api_call(r.api, cx, &op_backtest_run, &in, &out));
        bool said = false;
        for (size_t i = 0; i < out.warnings.n; i++)
            said |= str_find(((const Str *)out.warnings.v)[i], S("2500 of 3000 candles see no value")) >= 0;
        CHECK(said);
        rig_done(&r);
    }
}

TEST(bad_columns_are_told_with_their_place) {
    Rig r;
    rig_init(&r, false);
    ColumnIn good = mood_column(&r, "mood", "");
    ColumnIn taken = mood_column(&r, "close", ""), other = mood_column(&r, "mood", "ETHUSDT"), old = good, none = good;
    old.max_age = S("soon");
    none.values.n = 0;
    const struct {
        const char *name;
        ColumnIn columns[2];
        size_t n;
        const char *field, *words;
    } rows[] = {
        { "a name of the rule language", { good, taken }, 2, "columns[1]", "'close' means something in rules already" },
        { "twice", { good, good }, 2, "columns[1]", "comes twice" },
        { "of another asset", { other }, 1, "columns[0].symbol", "ETHUSDT is not an asset of this backtest" },
        { "no length of time", { good, old }, 2, "columns[1].max_age", "'soon' is not a length of time" },
        { "no value", { none }, 1, "columns[0]", "has no value" },
        { "not there", { good }, 0, "parameters.entry", "unknown name \"mood\"" },
    };
    EACH_ROW (row, rows) {
        BacktestRequestIn in = request(&r, "a", "rules", mood_rules);
        in.columns = (List){ (void *)(uintptr_t)row->columns, row->n };
        CHECK_EQ(api_call(r.api, &r.t.cx, &op_backtest_run, &in, &(BacktestResponse){ 0 }), ERR_INVALID);
        if (!strstr(r.t.cx.err.text, row->words))
            FAIL("'%s' does not say '%s'", r.t.cx.err.text, row->words);
        if (row->n)
            CHECK_STR(str_c(r.t.cx.err.field), str_c(row->field));
        err_clear(&r.t.cx);
        BacktestRemoved ok;
        if (row->n)
            CHECK_EQ(api_call(r.api, &r.t.cx, &op_backtest_validate, &in, &ok), ERR_INVALID);
        err_clear(&r.t.cx);
    }
    rig_done(&r);
}

/* A value that is swept may also stand among the parameters: the axis wins. */
TEST(a_swept_parameter_may_be_given_too) {
    Rig r;
    rig_init(&r, false);
    SweepRequestIn in;
    SweepResponse out = { 0 };
    shape_init(&sweep_request_shape, &r.t.cx, &in);
    in.backtest = request(&r, "", "moving_average_crossover", "{\"short_period\":4,\"long_period\":25}");
    in.grid.json = S("{\"short_period\":[3,5,8]}");
    CHECK_OK(&r.t.cx, api_call(r.api, &r.t.cx, &op_backtest_sweep, &in, &out));
    CHECK_EQ(out.best.n, 3);
    rig_done(&r);
}

typedef struct Told {
    double last;
    size_t n, n_back;
} Told;

static void hear(void *arg, double fraction, int64_t n_done) {
    Told *t = arg;
    t->n++;
    t->n_back += fraction < t->last || fraction < 0 || fraction > 1 || n_done < 0;
    t->last = fraction;
}

/* Who waits for long work hears how far it is, and can end it. */
TEST(long_work_tells_how_far_it_is_and_can_be_cancelled) {
    Rig r;
    rig_init(&r, false);
    Ctx *cx = &r.t.cx;
    run(&r, "bt_1", "macd", "{}");
    SweepRequestIn sweep;
    WalkRequestIn walk;
    MonteCarloRequest draw;
    shape_init(&sweep_request_shape, cx, &sweep);
    shape_init(&walk_request_shape, cx, &walk);
    shape_init(&monte_carlo_request_shape, cx, &draw);
    sweep.backtest = walk.backtest = request(&r, "", "moving_average_crossover", "");
    sweep.grid.json = walk.grid.json = S("{\"short_period\":[3,5,8],\"long_period\":[20,30]}");
    draw.id = S("bt_1");
    const struct {
        const char *name;
        const Op *op;
        const void *in;
    } rows[] = {
        { "sweep", &op_backtest_sweep, &sweep },
        { "walk-forward", &op_backtest_walk, &walk },
        { "Monte Carlo", &op_backtest_monte_carlo, &draw },
    };
    EACH_ROW (row, rows) {
        Told told = { 0 };
        void *out = arena_zalloc(&r.t.arena, row->op->out->size);
        cx->progress = hear;
        cx->progress_arg = &told;
        CHECK_OK(cx, api_call(r.api, cx, row->op, row->in, out));
        CHECK(told.n >= 1 && told.n_back == 0);
        CHECK_NEAR(told.last, 1, 1e-9);
        atomic_bool cancel = true;
        cx->cancel = &cancel;
        CHECK_EQ(api_call(r.api, cx, row->op, row->in, out), ERR_CANCELLED);
        cx->cancel = NULL;
        cx->progress = NULL;
        err_clear(cx);
    }
    rig_done(&r);
}

TESTS(T(walk_forward_monte_carlo_and_proof_answer_alike), T(a_sweep_ranks_what_runs_give), T(a_bad_grid_is_told_where),
      T(the_tables_are_sound), T(in_process_and_through_the_wire_answer_alike),
      T(faults_of_the_nested_request_have_their_place), T(what_was_answered_is_what_is_found),
      T(a_run_of_ta4j_has_its_criteria_and_they_are_kept), T(the_document_has_the_members_of_the_schema),
      T(the_best_score_is_recommended_first), T(bad_requests_are_told_what_is_wrong),
      T(a_range_without_candles_and_simulated_candles_are_said), T(equity_points_are_spread_and_end_at_the_end),
      T(columns_beside_the_candles_decide_and_pass_the_proof_in_process_and_through_the_wire),
      T(bad_columns_are_told_with_their_place), T(a_swept_parameter_may_be_given_too),
      T(long_work_tells_how_far_it_is_and_can_be_cancelled))
