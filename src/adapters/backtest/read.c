/* adapters/backtest/read.c - rows as a backtest again. What does not fit together is ERR_CORRUPT, never served. */

#include "adapters/backtest/internal.h"

#include "backtest/ta4j/ta4j.h"

#include "backtest/strategy.h"
#include "base/zip.h"

#include <math.h>
#include <sqlite3.h>

static Str text(sqlite3_stmt *st, int column, Arena *a) {
    return str_dup(a, db_text(st, column));
}

void backtest_db_summary(sqlite3_stmt *st, Arena *a, BacktestSummary *s) {
    int c = 0;
    s->backtest_id = text(st, c++, a);
    s->workspace = text(st, c++, a);
    s->symbol = text(st, c++, a);
    s->timeframe = text(st, c++, a);
    s->exchange = text(st, c++, a);
    s->strategy_type = text(st, c++, a);
    s->engine = text(st, c++, a);
    s->start = time_ms(db_i64(st, c++));
    s->end = time_ms(db_i64(st, c++));
    s->created = time_ms(db_i64(st, c++));
    s->initial_cash = db_f64(st, c++);
    s->final_value = db_f64(st, c++);
    s->total_return = db_f64(st, c++);
    s->annual_return = db_f64(st, c++);
    s->max_drawdown = db_f64(st, c++);
    s->sharpe_ratio = db_f64(st, c++);
    s->win_rate = db_f64(st, c++);
    s->total_trades = db_i64(st, c++);
    s->score = db_f64(st, c++);
    s->execution_seconds = db_f64(st, c++);
    s->n_candles = db_i64(st, c++);
    s->simulated = db_i64(st, c++) != 0;
    s->n_synthetic = db_i64(st, c++);
    s->note = text(st, c, a);
}

static int damaged(Db *db, Ctx *cx, const StoredBacktest *b, const char *what) {
    return err_set(cx, ERR_CORRUPT, "%s: %s of the backtest '" STR_FMT "' are damaged; remove it and run it again",
                   db->path, what, STR_ARG(b->summary.backtest_id));
}

/* n items of `size` bytes into the arena. */
static int unpack(Ctx *cx, Str packed, size_t n, size_t size, void **out) {
    Buf bytes;
    buf_init(&bytes, n * size + 1);
    int r = zip_expand(NULL, ZIP_ZSTD, packed, &bytes);
    if (r == 0 && bytes.n == n * size) {
        *out = arena_alloc(cx->arena, MAX(bytes.n, 1));
        memcpy(*out, bytes.p ? bytes.p : "", bytes.n);
    } else {
        r = ERR_CORRUPT;
    }
    buf_done(&bytes);
    return r;
}

static bool get_counts(Str packed, OrderCounts *out) {
    int64_t counts[ORDER_STATUSES + ORDER_REASONS + 1];
    if (packed.n != sizeof counts)
        return false;
    memcpy(counts, packed.p, sizeof counts);
    out->n = (size_t)counts[0];
    for (int i = 0; i < ORDER_STATUSES; i++)
        out->by_status[i] = (size_t)counts[1 + i];
    for (int i = 0; i < ORDER_REASONS; i++)
        out->by_reason[i] = (size_t)counts[1 + ORDER_STATUSES + i];
    return true;
}

static int get_events(Ctx *cx, Str packed, BacktestResult *r) {
    enum { EVENTS_AN_ORDER = 64 }; /* fills in part, of one order */
    Buf bytes;
    buf_init(&bytes, (r->counts.n + 1) * sizeof(OrderEvent) * EVENTS_AN_ORDER);
    int bad = zip_expand(NULL, ZIP_ZSTD, packed, &bytes) || bytes.n % sizeof(OrderEvent) != 0;
    if (!bad) {
        r->n_events = bytes.n / sizeof(OrderEvent);
        r->events = arena_alloc(cx->arena, MAX(bytes.n, 1));
        memcpy(r->events, bytes.p ? bytes.p : "", bytes.n);
        for (size_t i = 0; i < r->n_events; i++)
            bad |= (unsigned)r->events[i].status >= ORDER_STATUSES || r->events[i].step >= r->n_steps;
    }
    buf_done(&bytes);
    return bad;
}

static int get_head(Db *db, Ctx *cx, sqlite3_stmt *st, StoredBacktest *b, int64_t *id) {
    BacktestResult *r = &b->result;
    int c = 0;
    *id = db_i64(st, c++);
    r->engine_version = text(st, c++, cx->arena);
    r->position_sizing = text(st, c++, cx->arena);
    r->position_size = db_f64(st, c++);
    r->final_cash = db_f64(st, c++);
    r->realised_pnl = db_f64(st, c++);
    r->fees = db_f64(st, c++);
    r->costs = db_f64(st, c++);
    r->open_mark = db_f64(st, c++);
    r->n_trades = (size_t)db_i64(st, c++);
    r->n_closed = (size_t)db_i64(st, c++);
    r->n_orders = (size_t)db_i64(st, c++);
    bool has_orders = db_i64(st, c++) != 0;
    r->n_steps = (size_t)db_i64(st, c++);
    r->first_next_step = (size_t)db_i64(st, c++);
    r->n_next_calls = (size_t)db_i64(st, c++);
    r->explanation = text(st, c++, cx->arena);
    b->metrics->peak = (ptrdiff_t)db_i64(st, c++);
    b->metrics->trough = (ptrdiff_t)db_i64(st, c++);
    b->metrics->recovery = (ptrdiff_t)db_i64(st, c++);
    b->metrics->wiped_out = db_i64(st, c++) != 0;
    bool good = get_counts(db_text(st, c++), &r->counts);
    enum { ROWS_MAX = 100 * 1000 * 1000 };
    if (!good || r->n_trades > ROWS_MAX || r->n_orders > ROWS_MAX || r->n_steps > ROWS_MAX)
        return damaged(db, cx, b, "the head");
    if (has_orders) {
        r->orders = arena_zalloc(cx->arena, MAX(r->n_orders, 1) * sizeof *r->orders);
    }
    r->trades = arena_zalloc(cx->arena, MAX(r->n_trades, 1) * sizeof *r->trades);
    Str events = db_text(st, c++), times = db_text(st, c++), equity = db_text(st, c++), closings = db_text(st, c);
    void *t = NULL, *e = NULL, *k = NULL;
    if (unpack(cx, times, r->n_steps, sizeof *r->time_ms, &t) || unpack(cx, equity, r->n_steps, sizeof *r->equity, &e))
        return damaged(db, cx, b, "the values of the account");
    if (unpack(cx, closings, r->n_closed, sizeof *r->closings, &k))
        return damaged(db, cx, b, "the trades");
    r->time_ms = t;
    r->equity = e;
    r->closings = k;
    return get_events(cx, events, r) ? damaged(db, cx, b, "the order events") : 0;
}

/* --- the rows below --- */

static int get_params(Db *db, Ctx *cx, int64_t id, BacktestResult *r) {
    sqlite3_stmt *st;
    int e = db_query(db, cx, SQL_PARAMS, &st, "i", id);
    ResultParam params[STRATEGY_PARAMS_MAX * 4];
    size_t n = 0;
    while (e == 0 && (e = db_step(db, cx, st)) > 0 && n < ARRAY_LEN(params)) {
        params[n++] = (ResultParam){ text(st, 0, cx->arena), text(st, 1, cx->arena) };
        e = 0;
    }
    db_reset(st);
    r->params = arena_alloc(cx->arena, MAX(n, 1) * sizeof *params);
    memcpy(r->params, params, n * sizeof *params);
    r->n_params = n;
    return MIN(e, 0);
}

static int get_notes(Db *db, Ctx *cx, int64_t id, int kind, TextList *out) {
    sqlite3_stmt *st;
    int e = db_query(db, cx, SQL_NOTES, &st, "ii", id, (int64_t)kind);
    while (e == 0 && (e = db_step(db, cx, st)) > 0) {
        Str line = db_text(st, 0);
        text_list_add(out, cx->arena, STR_FMT, STR_ARG(line));
        e = 0;
    }
    return e;
}

/* ta4j's criteria, in their own order; those of an older version that had fewer are NaN. */
static void take_criterion(Ctx *cx, Str name, double value, BacktestResult *r) {
    const Ta4jCriterion *names;
    size_t n = ta4j_criteria_names(&names);
    Ta4jCriterion *v = (Ta4jCriterion *)r->criteria;
    if (!v) {
        r->criteria = v = arena_new_n(cx->arena, Ta4jCriterion, n);
        r->n_criteria = n;
        memcpy(v, names, n * sizeof *v);
        for (size_t i = 0; i < n; i++)
            v[i].value = NAN;
    }
    for (size_t i = 0; i < n; i++)
        if (str_eq(name, str_c(v[i].name)))
            v[i].value = value;
}

static int get_metrics(Db *db, Ctx *cx, int64_t id, StoredBacktest *b) {
    BacktestMetrics *m = b->metrics;
    sqlite3_stmt *st;
    int e = db_query(db, cx, SQL_METRICS, &st, "i", id);
    for (int i = 0; i < METRICS; i++)
        m->v[i] = NAN; /* one that was not known when this was saved */
    while (e == 0 && (e = db_step(db, cx, st)) > 0) {
        MetricId metric;
        if (metric_find(db_text(st, 0), &metric))
            m->v[metric] = db_f64(st, 1);
        else if (str_starts(db_text(st, 0), S(CRITERION_PREFIX)))
            take_criterion(cx, str_from(db_text(st, 0), strlen(CRITERION_PREFIX)), db_f64(st, 1), &b->result);
        e = 0;
    }
    return e;
}

static int get_assets(Db *db, Ctx *cx, int64_t id, StoredBacktest *b) {
    BacktestResult *r = &b->result;
    sqlite3_stmt *st;
    int e = db_query(db, cx, SQL_ASSETS, &st, "i", id);
    r->assets = arena_zalloc(cx->arena, RESULT_ASSETS_MAX * sizeof *r->assets);
    while (e == 0 && (e = db_step(db, cx, st)) > 0) {
        if (r->n_assets == RESULT_ASSETS_MAX) {
            db_reset(st);
            return damaged(db, cx, b, "the assets");
        }
        ResultAsset *a = &r->assets[r->n_assets++];
        Str venue = db_text(st, 1);
        if (!symbol_parse(db_text(st, 0), &a->symbol) || (venue.n && !venue_parse(venue, &a->venue)) ||
            !timeframe_parse(db_text(st, 2), &a->timeframe)) {
            db_reset(st);
            return damaged(db, cx, b, "the assets");
        }
        a->first = time_ms(db_i64(st, 3));
        a->last = time_ms(db_i64(st, 4));
        a->n_candles = (size_t)db_i64(st, 5);
        a->n_gaps = (size_t)db_i64(st, 6);
        a->n_missing = db_i64(st, 7);
        a->warmup = (size_t)db_i64(st, 8);
        a->position = db_f64(st, 9);
        a->entry_price = db_f64(st, 10);
        a->last_close = db_f64(st, 11);
        e = 0;
    }
    return e ? e : r->n_assets ? 0 : damaged(db, cx, b, "the assets");
}

static void trade_from_row(sqlite3_stmt *st, Trade *t) {
    int c = 0;
    t->id = (uint32_t)db_i64(st, c++);
    t->asset = (uint32_t)db_i64(st, c++);
    t->side = db_i64(st, c++) == SIDE_SHORT ? SIDE_SHORT : SIDE_LONG;
    t->closed = db_i64(st, c++) != 0;
    t->size = db_f64(st, c++);
    t->entry_price = db_f64(st, c++);
    t->entry_fees = db_f64(st, c++);
    t->entry_step = (size_t)db_i64(st, c++);
    t->exit_step = (size_t)db_i64(st, c++);
    t->exit_price = db_f64(st, c++);
    t->pnl = db_f64(st, c++);
    t->fees = db_f64(st, c++);
    t->costs = db_f64(st, c++);
    t->pnl_net = db_f64(st, c++);
    t->entry_order = (OrderId)db_i64(st, c++);
    t->exit_order = (OrderId)db_i64(st, c++);
    t->entry_row = (size_t)db_i64(st, c++);
    t->candles = (size_t)db_i64(st, c);
}

static void order_from_row(sqlite3_stmt *st, Arena *a, Order *o) {
    int c = 0;
    o->id = (OrderId)db_i64(st, c++);
    o->parent = (OrderId)db_i64(st, c++);
    o->oco = (OrderId)db_i64(st, c++);
    o->asset = (uint32_t)db_i64(st, c++);
    o->type = (OrderType)CLAMP(db_i64(st, c), 0, ORDER_TYPES - 1);
    o->status = (OrderStatus)CLAMP(db_i64(st, c + 1), 0, ORDER_STATUSES - 1);
    o->reason = (OrderReason)CLAMP(db_i64(st, c + 2), 0, ORDER_REASONS - 1);
    c += 3;
    o->alive = db_i64(st, c++) != 0;
    o->size = db_f64(st, c++);
    o->created_price = db_f64(st, c++);
    o->limit_price = db_f64(st, c++);
    o->created_step = (size_t)db_i64(st, c++);
    o->step = (size_t)db_i64(st, c++);
    o->filled = db_f64(st, c++);
    o->price = db_f64(st, c++);
    o->value = db_f64(st, c++);
    o->fees = db_f64(st, c++);
    o->pnl = db_f64(st, c++);
    o->needed = db_f64(st, c++);
    o->costs = db_f64(st, c++);
    Str tag = db_text(st, c);
    o->tag = tag.n ? str_cz(a, tag) : NULL;
}

static bool trade_makes_sense(const BacktestResult *r, const Trade *t) {
    return t->asset < r->n_assets && t->entry_step < r->n_steps && t->exit_step < MAX(r->n_steps, 1);
}

static int get_trades(Db *db, Ctx *cx, int64_t id, StoredBacktest *b) {
    BacktestResult *r = &b->result;
    sqlite3_stmt *st;
    size_t n = 0;
    bool good = true;
    int e = db_query(db, cx, SQL_TRADES, &st, "i", id);
    while (e == 0 && good && (e = db_step(db, cx, st)) > 0) {
        good = n < r->n_trades;
        if (good) {
            trade_from_row(st, &r->trades[n]);
            good = trade_makes_sense(r, &r->trades[n++]);
        }
        e = 0;
    }
    db_reset(st);
    return e < 0 ? e : !good || n != r->n_trades ? damaged(db, cx, b, "the trades") : 0;
}

static int get_orders(Db *db, Ctx *cx, int64_t id, StoredBacktest *b) {
    BacktestResult *r = &b->result;
    sqlite3_stmt *st;
    size_t n = 0;
    bool good = true;
    if (!r->orders)
        return 0;
    int e = db_query(db, cx, SQL_ORDERS, &st, "i", id);
    while (e == 0 && good && (e = db_step(db, cx, st)) > 0) {
        good = n < r->n_orders;
        if (good) {
            order_from_row(st, cx->arena, &r->orders[n]);
            good = r->orders[n++].asset < r->n_assets;
        }
        e = 0;
    }
    db_reset(st);
    return e < 0 ? e : !good || n != r->n_orders ? damaged(db, cx, b, "the orders") : 0;
}

/* What the result says again of what its summary says. */
static void join(StoredBacktest *b) {
    BacktestResult *r = &b->result;
    const BacktestSummary *s = &b->summary;
    r->backtest_id = s->backtest_id;
    r->engine = s->engine;
    r->strategy_type = s->strategy_type;
    r->timeframe = r->assets[0].timeframe;
    r->start = s->start;
    r->end = s->end;
    r->initial_cash = s->initial_cash;
    r->final_value = s->final_value;
    r->metrics = b->metrics;
}

static int get_summary(Db *db, Ctx *cx, int64_t id, BacktestSummary *out) {
    sqlite3_stmt *st;
    int e = db_query(db, cx, SQL_GET_SUMMARY, &st, "i", id);
    if (e || (e = db_step(db, cx, st)) <= 0)
        return e ? e : err_set(cx, ERR_CORRUPT, "%s: a row is gone while it is read", db->path);
    backtest_db_summary(st, cx->arena, out);
    db_reset(st);
    return 0;
}

int backtest_db_get(Db *db, Ctx *cx, void *arg) {
    const BacktestGet *g = arg;
    StoredBacktest *b = g->out;
    sqlite3_stmt *st;
    int64_t id = 0;
    b->summary.backtest_id = g->id;
    b->metrics = arena_zalloc(cx->arena, sizeof *b->metrics);
    int e = db_query(db, cx, SQL_GET, &st, "ss", g->id, g->workspace);
    if (e || (e = db_step(db, cx, st)) <= 0)
        return e ? e : BACKTEST_NO_SUCH;
    e = get_head(db, cx, st, b, &id);
    db_reset(st);
    if (e == 0)
        e = get_summary(db, cx, id, &b->summary);
    if (e == 0)
        e = get_params(db, cx, id, &b->result);
    if (e == 0)
        e = get_notes(db, cx, id, NOTE_ASSUMPTION, &b->result.assumptions);
    if (e == 0)
        e = get_notes(db, cx, id, NOTE_WARNING, &b->result.warnings);
    if (e == 0)
        e = get_metrics(db, cx, id, b);
    if (e == 0)
        e = get_assets(db, cx, id, b);
    if (e == 0)
        e = get_trades(db, cx, id, b);
    if (e == 0)
        e = get_orders(db, cx, id, b);
    if (e == 0)
        join(b);
    return e;
}
