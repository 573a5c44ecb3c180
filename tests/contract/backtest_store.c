/* ports/backtest_store: what every adapter must do (STO-03, STO-04, FLW-04). */

#include "adapters/backtest/sqlite.h"
#include "lib/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 500 };

typedef struct Fixture {
    TestCtx t;
    const char *dir, *path;
    BacktestStore *store;
} Fixture;

static BacktestStore *open_at(Fixture *f, const char *path) {
    BacktestStore *s = NULL;
    CHECK_OK_PLAIN(&f->t.cx, backtest_sqlite_open(&f->t.cx, &(BacktestSqliteOptions){ .path = path }, &s));
    return s;
}

static void begin(Fixture *f) {
    test_ctx_init(&f->t);
    f->dir = test_dir();
    f->path = str_cz(&f->t.arena, str_fmt(&f->t.arena, "%s/backtest.db", f->dir));
    f->store = open_at(f, f->path);
}

static void end(Fixture *f) {
    f->store = backtest_store_close(f->store);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

/* A result with something in every member. */
static StoredBacktest *make(Fixture *f, const char *id) {
    Arena *a = &f->t.arena;
    StoredBacktest *b = arena_new(a, StoredBacktest);
    BacktestResult *r = &b->result;
    int64_t *times = arena_new_n(a, int64_t, STEPS);
    double *equity = arena_new_n(a, double, STEPS);
    for (size_t i = 0; i < STEPS; i++) {
        times[i] = INT64_C(1700000000000) + (int64_t)i * 3600000;
        equity[i] = 10000 + 1.0 / 3 * (double)i;
    }
    b->metrics = arena_new(a, BacktestMetrics);
    for (int i = 0; i < METRICS; i++)
        b->metrics->v[i] = i % 5 == 4 ? (double)NAN : i / 7.0;
    *b->metrics = (BacktestMetrics){ .peak = -1, .trough = 7, .recovery = 9, .wiped_out = true };
    b->metrics->v[METRIC_SKEW] = (double)NAN;
    b->metrics->v[METRIC_SHARPE] = 1.0 / 3;
    *r = (BacktestResult){ .backtest_id = str_c(id),
                           .engine = S("backtrader"),
                           .engine_version = S("1"),
                           .strategy_type = S("rsi"),
                           .position_sizing = S("percent"),
                           .position_size = 0.95,
                           .initial_cash = 10000,
                           .final_value = equity[STEPS - 1],
                           .final_cash = 0.1,
                           .realised_pnl = -1.0 / 3,
                           .fees = 2,
                           .costs = 3,
                           .open_mark = 4,
                           .n_steps = STEPS,
                           .time_ms = times,
                           .equity = equity,
                           .first_next_step = 14,
                           .n_next_calls = STEPS - 14,
                           .explanation = S("why not"),
                           .metrics = b->metrics };
    r->params = arena_new_n(a, ResultParam, 2);
    r->params[0] = (ResultParam){ S("period"), S("14") };
    r->params[1] = (ResultParam){ S("words"), S("'; DROP TABLE backtest; --") };
    r->n_params = 2;
    r->assets = arena_new(a, ResultAsset);
    r->n_assets = 1;
    symbol_parse(S("BTCUSDT"), &r->assets->symbol);
    venue_parse(S("binance"), &r->assets->venue);
    timeframe_parse(S("1h"), &r->assets->timeframe);
    r->assets->n_candles = STEPS;
    r->assets->position = -1.0 / 3;
    r->timeframe = r->assets->timeframe;
    r->start = time_ms(times[0]);
    r->end = time_ms(times[STEPS - 1]);
    r->trades = arena_new_n(a, Trade, 2);
    r->trades[0] = (Trade){ .id = 1,
                            .side = SIDE_SHORT,
                            .closed = true,
                            .size = -0.1,
                            .entry_price = 100,
                            .entry_fees = 0.01,
                            .entry_step = 20,
                            .exit_step = 30,
                            .exit_price = 90,
                            .pnl = 1,
                            .fees = 0.02,
                            .costs = 0.03,
                            .pnl_net = 0.95,
                            .entry_order = 1,
                            .exit_order = 2 };
    r->trades[1] = (Trade){ .id = 2, .size = 0.1, .entry_step = 40, .exit_step = 40, .entry_order = 3 };
    r->n_trades = 2;
    r->n_closed = 1;
    r->orders = arena_new_n(a, Order, 3);
    for (uint32_t i = 0; i < 3; i++)
        r->orders[i] = (Order){ .id = i + 1,
                                .type = ORDER_STOP_TRAIL,
                                .status = i == 2 ? ORDER_MARGIN : ORDER_COMPLETED,
                                .reason = i == 2 ? ORDER_BECAUSE_CASH_AT_FILL : ORDER_BECAUSE_NONE,
                                .size = 0.1 * i,
                                .created_step = i,
                                .step = i + 1,
                                .needed = i / 3.0,
                                .tag = i == 1 ? "stop loss" : NULL };
    r->n_orders = 3;
    r->events = arena_new_n(a, OrderEvent, 2);
    r->events[0] = (OrderEvent){ 2, ORDER_COMPLETED, 7 };
    r->events[1] = (OrderEvent){ 3, ORDER_MARGIN, 8 };
    r->n_events = 2;
    r->closings = arena_new(a, uint32_t);
    r->counts.n = 3;
    r->counts.by_status[ORDER_MARGIN] = 1;
    r->counts.by_reason[ORDER_BECAUSE_CASH_AT_FILL] = 1;
    text_list_add(&r->assumptions, a, "fills at the next open");
    text_list_add(&r->warnings, a, "3 gaps");
    text_list_add(&r->warnings, a, "100 %% of them on purpose");
    b->summary = (BacktestSummary){ .backtest_id = str_c(id),
                                    .workspace = S("default"),
                                    .symbol = S("BTCUSDT"),
                                    .timeframe = S("1h"),
                                    .exchange = S("binance"),
                                    .strategy_type = S("rsi"),
                                    .engine = S("backtrader"),
                                    .start = r->start,
                                    .end = r->end,
                                    .created = clock_wall(f->t.cx.clock),
                                    .initial_cash = 10000,
                                    .final_value = r->final_value,
                                    .total_return = 0.5,
                                    .annual_return = (double)NAN,
                                    .max_drawdown = 0.1,
                                    .sharpe_ratio = 1.0 / 3,
                                    .win_rate = 1,
                                    .total_trades = 1,
                                    .score = 12.5,
                                    .execution_seconds = 0.001,
                                    .n_candles = STEPS,
                                    .simulated = true,
                                    .n_synthetic = 3,
                                    .note = S("a note") };
    return b;
}

static StoredBacktest *save(Fixture *f, const char *id) {
    StoredBacktest *b = make(f, id);
    CHECK_OK_PLAIN(&f->t.cx, backtest_store_save(f->store, &f->t.cx, b));
    return b;
}

static bool same(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

static bool same_trade(const Trade *a, const Trade *b) {
    return a->id == b->id && a->asset == b->asset && a->side == b->side && a->closed == b->closed &&
           a->size == b->size && a->entry_price == b->entry_price && a->entry_fees == b->entry_fees &&
           a->entry_step == b->entry_step && a->exit_step == b->exit_step && a->exit_price == b->exit_price &&
           a->pnl == b->pnl && a->fees == b->fees && a->costs == b->costs && a->pnl_net == b->pnl_net &&
           a->entry_order == b->entry_order && a->exit_order == b->exit_order && a->entry_row == b->entry_row &&
           a->candles == b->candles;
}

static void check_equal(const StoredBacktest *got, const StoredBacktest *want) {
    void **state_ = NULL;
    const BacktestResult *g = &got->result, *w = &want->result;
    CHECK_STR(got->summary.backtest_id, want->summary.backtest_id);
    CHECK_STR(got->summary.note, want->summary.note);
    CHECK(same(got->summary.annual_return, want->summary.annual_return));
    CHECK(same(got->summary.sharpe_ratio, want->summary.sharpe_ratio));
    CHECK_EQ(got->summary.created.ms, want->summary.created.ms);
    CHECK(got->summary.simulated && got->summary.n_synthetic == 3);
    for (int i = 0; i < METRICS; i++)
        CHECK(same(got->metrics->v[i], want->metrics->v[i]));
    CHECK(got->metrics->peak == -1 && got->metrics->recovery == 9 && got->metrics->wiped_out);
    CHECK_EQ(g->n_steps, w->n_steps);
    CHECK(memcmp(g->equity, w->equity, w->n_steps * sizeof *w->equity) == 0);
    CHECK(memcmp(g->time_ms, w->time_ms, w->n_steps * sizeof *w->time_ms) == 0);
    CHECK_EQ(g->n_trades, w->n_trades);
    for (size_t i = 0; i < w->n_trades; i++)
        CHECK(same_trade(&g->trades[i], &w->trades[i]));
    CHECK_EQ(g->n_orders, w->n_orders);
    for (size_t i = 0; i < w->n_orders; i++) {
        CHECK_EQ(g->orders[i].status, w->orders[i].status);
        CHECK(same(g->orders[i].needed, w->orders[i].needed));
        CHECK_STR(str_c(g->orders[i].tag), str_c(w->orders[i].tag));
    }
    CHECK_EQ(g->n_events, 2);
    CHECK(memcmp(g->events, w->events, 2 * sizeof *w->events) == 0);
    CHECK_EQ(g->closings[0], w->closings[0]);
    CHECK(memcmp(&g->counts, &w->counts, sizeof w->counts) == 0);
    CHECK_STR(g->params[1].text, w->params[1].text);
    CHECK_EQ(g->warnings.n, 2);
    CHECK_STR(g->warnings.v[1], w->warnings.v[1]);
    CHECK_STR(g->explanation, w->explanation);
    CHECK(same(g->assets[0].position, w->assets[0].position) && same(g->realised_pnl, w->realised_pnl));
}

TEST(what_was_saved_comes_back_also_after_a_restart) {
    Fixture f;
    begin(&f);
    StoredBacktest *b = save(&f, "bt_1"), got;
    CHECK_OK(&f.t.cx, backtest_store_get(f.store, &f.t.cx, S("default"), S("bt_1"), &got));
    check_equal(&got, b);
    backtest_store_close(f.store);
    f.store = open_at(&f, f.path);
    CHECK_OK(&f.t.cx, backtest_store_get(f.store, &f.t.cx, S("default"), S("bt_1"), &got));
    check_equal(&got, b);
    end(&f);
}

/* STO-04: the id is unique. */
TEST(an_id_is_taken_once_and_names_are_checked) {
    Fixture f;
    begin(&f);
    save(&f, "bt_1");
    CHECK_EQ(backtest_store_save(f.store, &f.t.cx, make(&f, "bt_1")), ERR_CONFLICT);
    CHECK_STR(str_c(f.t.cx.err.field), S("backtest_id"));
    static const struct {
        const char *name, *id;
    } bad[] = {
        { "empty", "" },
        { "a path", "../x" },
        { "a quote", "a'b" },
        { "a blank", "a b" },
        { "too long", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
    };
    EACH_ROW (r, bad)
        CHECK_EQ(backtest_store_save(f.store, &f.t.cx, make(&f, r->id)), ERR_INVALID);
    end(&f);
}

/* STO-04: newest first; and by what else one may ask for, those without a value last. */
TEST(lists_filter_and_sort) {
    Fixture f;
    begin(&f);
    static const struct {
        const char *id;
        const char *symbol, *strategy;
        double score, ret;
    } rows[] = {
        { "a", "BTCUSDT", "rsi", 10, 0.1 },
        { "b", "ETHUSDT", "rsi", NAN, 0.9 },
        { "c", "BTCUSDT", "macd", 30, NAN },
        { "d", "BTCUSDT", "rsi", 20, -0.5 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        StoredBacktest *b = make(&f, rows[i].id);
        b->summary.symbol = str_c(rows[i].symbol);
        b->summary.strategy_type = str_c(rows[i].strategy);
        b->summary.score = rows[i].score;
        b->summary.total_return = rows[i].ret;
        CHECK_OK(&f.t.cx, backtest_store_save(f.store, &f.t.cx, b));
        clock_manual_advance_ms(&f.t.clock, 1000);
    }
    static const struct {
        const char *name;
        BacktestFilter f;
        const char *want;
        int64_t total;
    } asks[] = {
        { "newest", { .workspace = { "default", 7 }, .limit = 10 }, "dcba", 4 },
        { "score", { .workspace = { "default", 7 }, .limit = 10, .order = BACKTEST_BEST_SCORE }, "cdab", 4 },
        { "return", { .workspace = { "default", 7 }, .limit = 10, .order = BACKTEST_BEST_RETURN }, "badc", 4 },
        { "symbol", { .workspace = { "default", 7 }, .limit = 10, .symbol = { "BTCUSDT", 7 } }, "dca", 3 },
        { "strategy",
          { .workspace = { "default", 7 }, .limit = 10, .symbol = { "BTCUSDT", 7 }, .strategy_type = { "rsi", 3 } },
          "da",
          2 },
        { "a page", { .workspace = { "default", 7 }, .limit = 2, .skip = 1 }, "cb", 4 },
        { "another workspace", { .workspace = { "other", 5 }, .limit = 10 }, "", 0 },
        { "a quote is a text", { .workspace = { "default", 7 }, .limit = 10, .symbol = { "' OR 1=1 --", 11 } }, "", 0 },
    };
    EACH_ROW (ask, asks) {
        BacktestSummary *v;
        size_t n;
        int64_t total;
        CHECK_OK(&f.t.cx, backtest_store_list(f.store, &f.t.cx, &ask->f, &v, &n, &total));
        CHECK_EQ(total, ask->total);
        CHECK_EQ(n, strlen(ask->want));
        for (size_t i = 0; i < n; i++)
            CHECK_EQ(v[i].backtest_id.p[0], ask->want[i]);
    }
    end(&f);
}

TEST(another_workspace_neither_sees_nor_removes) {
    Fixture f;
    begin(&f);
    StoredBacktest got;
    save(&f, "bt_1");
    CHECK_EQ(backtest_store_get(f.store, &f.t.cx, S("other"), S("bt_1"), &got), BACKTEST_NO_SUCH);
    CHECK_EQ(backtest_store_remove(f.store, &f.t.cx, S("other"), S("bt_1")), BACKTEST_NO_SUCH);
    CHECK_OK(&f.t.cx, backtest_store_remove(f.store, &f.t.cx, S("default"), S("bt_1")));
    CHECK_EQ(backtest_store_get(f.store, &f.t.cx, S("default"), S("bt_1"), &got), BACKTEST_NO_SUCH);
    CHECK_EQ(backtest_store_remove(f.store, &f.t.cx, S("default"), S("bt_1")), BACKTEST_NO_SUCH);
    save(&f, "bt_1"); /* nothing of the old one is left to be in its way */
    end(&f);
}

/* STO-04: TTL on created_at. */
TEST(what_is_old_goes) {
    Fixture f;
    begin(&f);
    int64_t removed;
    Time start = clock_wall(f.t.cx.clock);
    StoredBacktest got;
    save(&f, "old");
    clock_manual_advance_ms(&f.t.clock, 1000);
    save(&f, "new");
    CHECK_OK(&f.t.cx, backtest_store_expire(f.store, &f.t.cx, time_add_ms(start, 1000), &removed));
    CHECK_EQ(removed, 1);
    CHECK_EQ(backtest_store_get(f.store, &f.t.cx, S("default"), S("old"), &got), BACKTEST_NO_SUCH);
    CHECK_OK(&f.t.cx, backtest_store_get(f.store, &f.t.cx, S("default"), S("new"), &got));
    end(&f);
}

/* FLW-04: killed between the save and the reply, it is found. */
TEST(a_kill_behind_the_save_loses_nothing) {
    Fixture f;
    begin(&f);
    f.store = backtest_store_close(f.store);
    pid_t child = fork();
    if (child == 0) {
        f.store = open_at(&f, f.path);
        save(&f, "bt_1");
        kill(getpid(), SIGKILL);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    f.store = open_at(&f, f.path);
    StoredBacktest got;
    CHECK_OK(&f.t.cx, backtest_store_get(f.store, &f.t.cx, S("default"), S("bt_1"), &got));
    CHECK_EQ(got.result.n_steps, STEPS);
    end(&f);
}

TESTS(T(what_was_saved_comes_back_also_after_a_restart), T(an_id_is_taken_once_and_names_are_checked),
      T(lists_filter_and_sort), T(another_workspace_neither_sees_nor_removes), T(what_is_old_goes),
      T(a_kill_behind_the_save_loses_nothing))
