/* ports/backtest_store.c - the wrappers: what every adapter may rely on is checked here, once. */

#include "ports/backtest_store.h"

static bool id_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
}

static int check_id(Ctx *cx, Str id) {
    bool good = id.n > 0 && id.n <= BACKTEST_ID_MAX;
    for (size_t i = 0; good && i < id.n; i++)
        good = id_char(id.p[i]);
    if (!good)
        return err_set_at(cx, ERR_INVALID, S("backtest_id"),
                          "a backtest's id is 1 to %d letters, digits, '-', '_' or '.'", BACKTEST_ID_MAX);
    return 0;
}

int backtest_store_save(BacktestStore *s, Ctx *cx, const StoredBacktest *b) {
    assert(str_eq(b->summary.backtest_id, b->result.backtest_id) && b->metrics);
    int r = check_id(cx, b->summary.backtest_id);
    if (r == 0)
        r = ctx_check(cx);
    return r ? r : s->ops->save(s, cx, b);
}

int backtest_store_get(BacktestStore *s, Ctx *cx, Str workspace, Str id, StoredBacktest *out) {
    *out = (StoredBacktest){ 0 };
    int r = check_id(cx, id);
    if (r == 0)
        r = ctx_check(cx);
    if (r == 0)
        r = s->ops->get(s, cx, workspace, id, out);
    assert(r != 0 || (out->metrics && out->result.metrics));
    return r;
}

int backtest_store_list(BacktestStore *s, Ctx *cx, const BacktestFilter *f, BacktestSummary **out, size_t *n,
                        int64_t *total) {
    assert(f->limit <= BACKTEST_LIST_MAX);
    *out = NULL;
    *n = 0;
    *total = 0;
    int r = ctx_check(cx);
    return r ? r : s->ops->list(s, cx, f, out, n, total);
}

int backtest_store_remove(BacktestStore *s, Ctx *cx, Str workspace, Str id) {
    int r = check_id(cx, id);
    if (r == 0)
        r = ctx_check(cx);
    return r ? r : s->ops->remove(s, cx, workspace, id);
}

int backtest_store_expire(BacktestStore *s, Ctx *cx, Time before, int64_t *removed) {
    *removed = 0;
    int r = ctx_check(cx);
    return r ? r : s->ops->expire(s, cx, before, removed);
}

int backtest_store_snapshot(BacktestStore *s, Ctx *cx, SnapshotPiece *piece, void *arg) {
    int r = ctx_check(cx);
    if (r == 0 && !s->ops->snapshot)
        r = err_set(cx, ERR_UNSUPPORTED, "the %s store of backtests has no backup", s->ops->name);
    return r ? r : s->ops->snapshot(s, cx, piece, arg);
}

BacktestStore *backtest_store_close(BacktestStore *s) {
    if (s)
        s->ops->close(s);
    return NULL;
}
