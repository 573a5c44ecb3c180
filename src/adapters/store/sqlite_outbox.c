/* adapters/store/sqlite_outbox.c - what is told of new candles, in the commit of the candles (MSG-27, FLW-06). */

#include "adapters/store/sqlite_store.h"

#include "adapters/sqlite/outbox.h"
#include "core/event_market.h"

int writer_announce(Writer *w, Ctx *cx, const WriterSeries *s, const MergeCount *count) {
    if (count->inserted == 0)
        return 0;
    Time last = time_ms(count->new_to.ms - 1);
    DataUpdate u = { .key = &s->info.key,
                     .from = count->new_from,
                     .to = timeframe_next(s->info.key.timeframe, last),
                     .n = count->inserted,
                     .revision = s->info.revision };
    Event e = event_data_update(cx->arena, &u, clock_wall(cx->clock), cx->trace.correlation_id);
    return db_outbox_put(&w->db, cx, SQL_OUTBOX_PUT, BUS_EVENTS, event_routing_key(cx->arena, &e), &e);
}

static SqliteStore *store_of(Outbox *o) {
    return CONTAINER_OF(o, SqliteStore, outbox);
}

typedef struct Take {
    OutboxRow *rows;
    DbOutboxRow *raw;
    size_t most, n;
} Take;

static int read_rows(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    UNUSED(s);
    Take *t = arg;
    return db_outbox_take(&r->db, cx, SQL_OUTBOX_PUT, t->raw, t->most, &t->n);
}

static int take(Outbox *o, Ctx *cx, OutboxRow **out, size_t most, size_t *n) {
    Take t = { .raw = arena_new_n(cx->arena, DbOutboxRow, most), .most = most };
    int r = reader_transaction(store_of(o), cx, read_rows, &t);
    if (r == 0 && t.n == 0)
        return BUS_EMPTY;
    *out = arena_new_n(cx->arena, OutboxRow, t.n);
    for (size_t i = 0; i < t.n; i++)
        (*out)[i] = (OutboxRow){ t.raw[i].number, t.raw[i].exchange, t.raw[i].routing_key, t.raw[i].event };
    *n = t.n;
    return r;
}

static int run_done(Writer *w, Ctx *cx, void *arg) {
    return db_outbox_done(&w->db, cx, SQL_OUTBOX_PUT, *(const int64_t *)arg);
}

static int done(Outbox *o, Ctx *cx, int64_t last) {
    return writer_call(&store_of(o)->writer, cx, false, run_done, &last);
}

static int read_depth(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    UNUSED(s);
    return db_outbox_count(&r->db, cx, SQL_OUTBOX_PUT, arg);
}

static int depth(Outbox *o, Ctx *cx, int64_t *n) {
    return reader_transaction(store_of(o), cx, read_depth, n);
}

static const OutboxOps outbox_ops = { .name = "market.db", .take = take, .done = done, .depth = depth };

Outbox *sqlite_outbox(CandleStore *store) {
    SqliteStore *s = (SqliteStore *)store;
    s->outbox.ops = &outbox_ops;
    return s->read_only ? NULL : &s->outbox;
}
