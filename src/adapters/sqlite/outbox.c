/* adapters/sqlite/outbox.c - see outbox.h. */

#include "adapters/sqlite/outbox.h"

#include <sqlite3.h>

enum { PUT, TAKE, DONE, COUNT, ENTER, FORGET }; /* in the order of OUTBOX_SQL_TABLE */

int db_outbox_put(Db *db, Ctx *cx, int first, Str exchange, Str routing_key, const Event *e) {
    return db_run(db, cx, first + PUT, "sssssssiiis", exchange, routing_key, e->id, e->type, e->key, e->correlation_id,
                  e->source, e->version, e->at.ms, (int64_t)e->priority, e->body);
}

int db_outbox_take(Db *db, Ctx *cx, int first, DbOutboxRow *out, size_t most, size_t *n) {
    sqlite3_stmt *st;
    *n = 0;
    int r = db_query(db, cx, first + TAKE, &st, "i", (int64_t)most);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        DbOutboxRow *row = &out[(*n)++];
        *row = (DbOutboxRow){ .number = db_i64(st, 0),
                              .exchange = db_text_in(cx, st, 1),
                              .routing_key = db_text_in(cx, st, 2) };
        row->event = (Event){ .id = db_text_in(cx, st, 3),
                              .type = db_text_in(cx, st, 4),
                              .key = db_text_in(cx, st, 5),
                              .correlation_id = db_text_in(cx, st, 6),
                              .source = db_text_in(cx, st, 7),
                              .version = db_i64(st, 8),
                              .at = time_ms(db_i64(st, 9)),
                              .priority = (int)db_i64(st, 10),
                              .body = db_text_in(cx, st, 11) };
        r = 0;
    }
    return r;
}

int db_outbox_done(Db *db, Ctx *cx, int first, int64_t last) {
    return db_run(db, cx, first + DONE, "i", last);
}

int db_outbox_count(Db *db, Ctx *cx, int first, int64_t *n) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, first + COUNT, &st, "");
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        *n = db_i64(st, 0);
        db_reset(st);
        r = 0;
    }
    return r;
}

int db_inbox_enter(Db *db, Ctx *cx, int first, Str consumer, Str id) {
    int r = db_run(db, cx, first + ENTER, "ssi", consumer, id, clock_wall(cx->clock).ms);
    return r ? r : sqlite3_changes(db->handle) ? 0 : INBOX_SEEN;
}

int db_inbox_forget(Db *db, Ctx *cx, int first, Time before) {
    return db_run(db, cx, first + FORGET, "i", before.ms);
}
