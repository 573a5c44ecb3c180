/* adapters/store/sqlite_actions.c - splits and dividends: few rows, seldom changed. */

#include "adapters/store/sqlite_store.h"

#include "base/vec.h"

typedef struct PutActions {
    const CorporateAction *v;
    size_t n;
    bool remove;
} PutActions;

static int run_put(Writer *w, Ctx *cx, void *arg) {
    const PutActions *job = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < job->n; i++) {
        const CorporateAction *a = &job->v[i];
        if (job->remove)
            r = db_run(&w->db, cx, SQL_ACTION_DROP, "sii", symbol_str(&a->instrument), a->ex.ms, (int64_t)a->kind);
        else
            r = db_run(&w->db, cx, SQL_ACTION_PUT, "siiiii", symbol_str(&a->instrument), a->ex.ms, (int64_t)a->kind,
                       a->value.mantissa, (int64_t)a->value.scale, a->known_at.ms);
    }
    return r;
}

int sqlite_put_actions(CandleStore *store, Ctx *cx, const CorporateAction *v, size_t n, bool remove) {
    PutActions job = { v, n, remove };
    return writer_call(&((SqliteStore *)store)->writer, cx, true, run_put, &job);
}

typedef struct ListActions {
    const Symbol *instrument;
    struct {
        CorporateAction *v;
        size_t n, cap;
    } found;
} ListActions;

static int read_actions(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    UNUSED(s);
    ListActions *call = arg;
    sqlite3_stmt *st;
    int e = db_query(&r->db, cx, SQL_ACTION_LIST, &st, "s", call->instrument ? symbol_str(call->instrument) : S(""));
    while (e == 0 && (e = db_step(&r->db, cx, st)) > 0) {
        CorporateAction a = { .ex = time_ms(db_i64(st, 1)),
                              .kind = (ActionKind)db_i64(st, 2),
                              .value = { db_i64(st, 3), (int)db_i64(st, 4) },
                              .known_at = time_ms(db_i64(st, 5)) };
        e = 0;
        if (symbol_parse(db_text(st, 0), &a.instrument) && (a.kind == ACTION_SPLIT || a.kind == ACTION_DIVIDEND) &&
            action_valid(&a) && a.value.scale >= 0 && a.value.scale <= 18)
            vec_push_in(cx->arena, &call->found, a);
        else
            e = err_set(cx, ERR_CORRUPT, "%s: a row of the corporate actions makes no sense", r->db.path);
    }
    return e;
}

int sqlite_actions(CandleStore *store, Ctx *cx, const Symbol *instrument, CorporateAction **out, size_t *n) {
    ListActions call = { .instrument = instrument };
    int r = reader_transaction((SqliteStore *)store, cx, read_actions, &call);
    if (r == 0) {
        *out = call.found.v;
        *n = call.found.n;
    }
    return r;
}
