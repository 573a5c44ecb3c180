/* adapters/backtest/save.c - a backtest as rows; all of them in the caller's transaction. */

#include "adapters/backtest/internal.h"

#include "backtest/ta4j/ta4j.h"
#include "base/zip.h"

#include <sqlite3.h>

enum { LEVEL = 3, CHECK_EVERY = 4096 };

/* A column of n items as zstd; what does not get smaller is kept as it is by zip_compress's own rule. */
static int pack(Ctx *cx, const void *p, size_t size, Buf *out) {
    Str bytes = str_n(p ? p : "", size);
    buf_init(out, size + (size / 64) + 1024);
    int r = zip_compress(NULL, ZIP_ZSTD, LEVEL, bytes, out);
    return r == 0 ? 0 : err_set(cx, ERR_LIMIT, "a column of %zu bytes cannot be packed", size);
}

_Static_assert(sizeof(OrderEvent) == 16 && sizeof(size_t) == 8, "as tables.c says");

static int add_head(Db *db, Ctx *cx, const StoredBacktest *b, Str events, Str times, Str equity, Str closings) {
    const BacktestSummary *s = &b->summary;
    const BacktestResult *r = &b->result;
    const BacktestMetrics *m = b->metrics;
    int64_t counts[ORDER_STATUSES + ORDER_REASONS + 1];
    size_t n = 0;
    counts[n++] = (int64_t)r->counts.n;
    for (int i = 0; i < ORDER_STATUSES; i++)
        counts[n++] = (int64_t)r->counts.by_status[i];
    for (int i = 0; i < ORDER_REASONS; i++)
        counts[n++] = (int64_t)r->counts.by_reason[i];
    int e = db_run(db, cx, SQL_ADD,
                   "sssssssiiidddddddiddiiis"
                   "ssdddddd"
                   "iiiiiiisiiiibbbbb",
                   s->backtest_id, s->workspace, s->symbol, s->timeframe, s->exchange, s->strategy_type, s->engine,
                   s->start.ms, s->end.ms, s->created.ms, s->initial_cash, s->final_value, s->total_return,
                   s->annual_return, s->max_drawdown, s->sharpe_ratio, s->win_rate, s->total_trades, s->score,
                   s->execution_seconds, s->n_candles, (int64_t)s->simulated, s->n_synthetic, s->note,
                   /* the rest of the result */
                   r->engine_version, r->position_sizing, r->position_size, r->final_cash, r->realised_pnl, r->fees,
                   r->costs, r->open_mark, (int64_t)r->n_trades, (int64_t)r->n_closed, (int64_t)r->n_orders,
                   (int64_t)(r->orders != NULL), (int64_t)r->n_steps, (int64_t)r->first_next_step,
                   (int64_t)r->n_next_calls, r->explanation, (int64_t)m->peak, (int64_t)m->trough, (int64_t)m->recovery,
                   (int64_t)m->wiped_out, str_n((const char *)counts, sizeof counts), events, times, equity, closings);
    return e;
}

static int add_lists(Db *db, Ctx *cx, int64_t id, const StoredBacktest *b) {
    const BacktestResult *r = &b->result;
    int e = 0;
    for (size_t i = 0; e == 0 && i < r->n_params; i++)
        e = db_run(db, cx, SQL_ADD_PARAM, "iiss", id, (int64_t)i, r->params[i].name, r->params[i].text);
    for (size_t i = 0; e == 0 && i < r->assumptions.n; i++)
        e = db_run(db, cx, SQL_ADD_NOTE, "iiis", id, (int64_t)NOTE_ASSUMPTION, (int64_t)i, r->assumptions.v[i]);
    for (size_t i = 0; e == 0 && i < r->warnings.n; i++)
        e = db_run(db, cx, SQL_ADD_NOTE, "iiis", id, (int64_t)NOTE_WARNING, (int64_t)i, r->warnings.v[i]);
    for (int i = 0; e == 0 && i < METRICS; i++)
        e = db_run(db, cx, SQL_ADD_METRIC, "isd", id, str_c(metric_info((MetricId)i)->name), b->metrics->v[i]);
    for (size_t i = 0; e == 0 && i < r->n_criteria; i++)
        e = db_run(db, cx, SQL_ADD_METRIC, "isd", id, str_fmt(cx->arena, CRITERION_PREFIX "%s", r->criteria[i].name),
                   r->criteria[i].value);
    for (size_t i = 0; e == 0 && i < r->n_assets; i++) {
        const ResultAsset *a = &r->assets[i];
        char tf[TIMEFRAME_TEXT_MAX];
        e = db_run(db, cx, SQL_ADD_ASSET, "iisssiiiiiiddd", id, (int64_t)i, symbol_str(&a->symbol),
                   venue_str(&a->venue), timeframe_text(a->timeframe, tf), a->first.ms, a->last.ms,
                   (int64_t)a->n_candles, (int64_t)a->n_gaps, a->n_missing, (int64_t)a->warmup, a->position,
                   a->entry_price, a->last_close);
    }
    return e;
}

static int add_trades(Db *db, Ctx *cx, int64_t id, const BacktestResult *r) {
    int e = 0;
    for (size_t i = 0; e == 0 && i < r->n_trades; i++) {
        const Trade *t = &r->trades[i];
        if (i % CHECK_EVERY == 0 && (e = ctx_check(cx)) != 0)
            break;
        e = db_run(db, cx, SQL_ADD_TRADE, "iiiiiidddiidddddiiii", id, (int64_t)i, (int64_t)t->id, (int64_t)t->asset,
                   (int64_t)t->side, (int64_t)t->closed, t->size, t->entry_price, t->entry_fees, (int64_t)t->entry_step,
                   (int64_t)t->exit_step, t->exit_price, t->pnl, t->fees, t->costs, t->pnl_net, (int64_t)t->entry_order,
                   (int64_t)t->exit_order, (int64_t)t->entry_row, (int64_t)t->candles);
    }
    return e;
}

static int add_orders(Db *db, Ctx *cx, int64_t id, const BacktestResult *r) {
    int e = 0;
    for (size_t i = 0; e == 0 && r->orders && i < r->n_orders; i++) {
        const Order *o = &r->orders[i];
        if (i % CHECK_EVERY == 0 && (e = ctx_check(cx)) != 0)
            break;
        e = db_run(db, cx, SQL_ADD_ORDER, "iiiiiiiiiidddiiddddddds", id, (int64_t)i, (int64_t)o->id, (int64_t)o->parent,
                   (int64_t)o->oco, (int64_t)o->asset, (int64_t)o->type, (int64_t)o->status, (int64_t)o->reason,
                   (int64_t)o->alive, o->size, o->created_price, o->limit_price, (int64_t)o->created_step,
                   (int64_t)o->step, o->filled, o->price, o->value, o->fees, o->pnl, o->needed, o->costs,
                   str_c(o->tag ? o->tag : ""));
    }
    return e;
}

static int refuse_twin(Db *db, Ctx *cx, Str backtest_id) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_ID, &st, "s", backtest_id);
    if (r || (r = db_step(db, cx, st)) <= 0)
        return r;
    db_reset(st);
    return err_set_at(cx, ERR_CONFLICT, S("backtest_id"), "there is a backtest '" STR_FMT "' already",
                      STR_ARG(backtest_id));
}

int backtest_db_save(Db *db, Ctx *cx, void *arg) {
    const StoredBacktest *b = arg;
    const BacktestResult *r = &b->result;
    Buf events = { 0 }, times = { 0 }, equity = { 0 }, closings = { 0 };
    int e = refuse_twin(db, cx, b->summary.backtest_id);
    if (e == 0)
        e = pack(cx, r->events, r->n_events * sizeof *r->events, &events);
    if (e == 0)
        e = pack(cx, r->closings, r->n_closed * sizeof *r->closings, &closings);
    if (e == 0)
        e = pack(cx, r->time_ms, r->n_steps * sizeof *r->time_ms, &times);
    if (e == 0)
        e = pack(cx, r->equity, r->n_steps * sizeof *r->equity, &equity);
    if (e == 0)
        e = add_head(db, cx, b, buf_str(&events), buf_str(&times), buf_str(&equity), buf_str(&closings));
    int64_t id = sqlite3_last_insert_rowid(db->handle);
    if (e == 0)
        e = add_lists(db, cx, id, b);
    if (e == 0)
        e = add_trades(db, cx, id, r);
    if (e == 0)
        e = add_orders(db, cx, id, r);
    buf_done(&events);
    buf_done(&times);
    buf_done(&equity);
    buf_done(&closings);
    return e;
}
